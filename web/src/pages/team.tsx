// SPDX-License-Identifier: Apache-2.0
/** Teams: accounts of their own, for which several people act, each with what their role allows. */
import { useState } from 'preact/hooks';
import { call } from '../lib/api';
import { usePlace } from '../lib/router';
import { actFor, refreshTeams, session } from '../lib/session';
import { useStore } from '../lib/store';
import { Button, Card, Chip, Copy, Dialog, Empty, Field, Notice, Page, Table, Tabs, toast, useAct } from '../ui/parts';
import { Members } from './team/members';
import { Roles } from './team/roles';

interface Entered { team_id: number; team_name: string; key: string; msg: string }

/** What joining or making a team answers: a key for programs, shown this once. */
function Key({ entered, onClose }: { entered: Entered; onClose: () => void }) {
  return (
    <Notice kind="good" action={<Button onClick={onClose}>I have kept it</Button>}>
      <p>{entered.msg} The key is for the command line and scripts: in this console you act for the team without it.</p>
      <Copy text={entered.key} label="API key of the team" secret />
    </Notice>
  );
}

function Enter({ onEntered }: { onEntered: (entered: Entered) => void }) {
  const [name, setName] = useState('');
  const [code, setCode] = useState('');
  const make = useAct();
  const join = useAct();
  return (
    <div class="cards">
      <Card title="Make a team">
        <form class="stack" onSubmit={(event) => { event.preventDefault(); make.act(async () => onEntered(await call('POST /api/v0/team/', { body: { team_name: name } }))); }}>
          <p class="muted">It has its own credit, instances, machines and keys. You own it, and invite who is to act for it.</p>
          <Field label="Its name" value={name} required maxLength={64} onInput={(event) => setName(event.currentTarget.value)} />
          {make.error && <Notice kind="bad">{make.error}</Notice>}
          <div><Button kind="primary" type="submit" busy={make.busy}>Make the team</Button></div>
        </form>
      </Card>
      <Card title="Join a team">
        <form class="stack" onSubmit={(event) => { event.preventDefault(); join.act(async () => onEntered(await call('POST /api/v0/team/accept/', { body: { code } }))); }}>
          <p class="muted">With the code from the mail that invited you. It is for the address that the mail went to.</p>
          <Field label="Code from the mail" value={code} required autocomplete="one-time-code" onInput={(event) => setCode(event.currentTarget.value)} />
          {join.error && <Notice kind="bad">{join.error}</Notice>}
          <div><Button type="submit" busy={join.busy}>Join it</Button></div>
        </form>
      </Card>
    </div>
  );
}

function Leave({ id, name, onClose }: { id: number; name: string; onClose: () => void }) {
  const { busy, error, act } = useAct();
  const leave = (): void => act(async () => {
    const { msg } = await call('DELETE /api/v0/teams/{id}/member/', { path: { id } });
    toast(msg);
    await refreshTeams();
    onClose();
  });
  return (
    <Dialog title={`Leave ${name}?`} onClose={onClose}>
      <p>Your keys of the team end at once. What you have rented for it stays the team's.</p>
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="row"><Button kind="danger" busy={busy} onClick={leave}>Leave it</Button><Button onClick={onClose}>Stay</Button></div>
    </Dialog>
  );
}

function Mine() {
  const { teams } = useStore(session);
  const [entered, setEntered] = useState<Entered | null>(null);
  const [left, setLeft] = useState<{ id: number; name: string } | null>(null);
  const enter = (one: Entered): void => { setEntered(one); void refreshTeams(); };
  return (
    <div class="stack">
      {entered && <Key entered={entered} onClose={() => setEntered(null)} />}
      {teams.length === 0 ? <Empty icon="people" title="You are in no team"><p>Make one, or join one with a code from a mail.</p></Empty> : (
        <Table head={['Team', 'You are', '']} label="Teams">
          {teams.map((team) => (
            <tr key={team.id}>
              <th scope="row">{team.name}</th>
              <td><Chip>{team.role}</Chip></td>
              <td><div class="row"><Button kind="primary" onClick={() => void actFor(team.id)}>Act for {team.name}</Button>
                {team.role !== 'owner' && <Button kind="quiet" onClick={() => setLeft(team)}>Leave</Button>}</div></td>
            </tr>
          ))}
        </Table>
      )}
      <Enter onEntered={enter} />
      {left && <Leave {...left} onClose={() => setLeft(null)} />}
    </div>
  );
}

function End({ name }: { name: string }) {
  const [isSure, setSure] = useState(false);
  const { busy, error, act } = useAct();
  const end = (): void => act(async () => {
    const { msg } = await call('DELETE /api/v0/team/');
    toast(msg);
    await actFor(null);
  });
  return (
    <Card title="End the team">
      <p class="muted">Its owner gets its bought credit; it must have no instances and no machines.</p>
      <div class="row"><Button kind="danger" onClick={() => setSure(true)}>End the team</Button></div>
      {isSure && (
        <Dialog title={`End ${name}?`} onClose={() => setSure(false)}>
          <p>Nobody acts for it from then on, all its keys end, and credit that was given to it is lost. This cannot be undone.</p>
          {error && <Notice kind="bad">{error}</Notice>}
          <div class="row"><Button kind="danger" busy={busy} onClick={end}>End it for good</Button><Button onClick={() => setSure(false)}>Leave it as it is</Button></div>
        </Dialog>
      )}
    </Card>
  );
}

export function TeamPage(_: { id: number }) {
  const { teams, team } = useStore(session);
  const tab = usePlace().query.get('tab') ?? '';
  const here = teams.find(({ id }) => id === team);

  if (!here) return <Page title="Teams" lead="Rent, lend and pay together."><Mine /></Page>;
  return (
    <Page title={here.name} lead={`You act for this team, as its ${here.role}.`} actions={<Button onClick={() => void actFor(null)}>Act for myself</Button>}>
      <Tabs label="Team" value={tab} tabs={[['', 'Members'], ['roles', 'Roles'], ...(here.role === 'owner' ? [['end', 'End'] as [string, string]] : [])]} to={(key) => `/team${key ? `?tab=${key}` : ''}`} />
      {tab === '' && <Members />}
      {tab === 'roles' && <Roles />}
      {tab === 'end' && <End name={here.name} />}
    </Page>
  );
}
