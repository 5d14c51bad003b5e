// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import type { TeamMember } from '#api';
import { call } from '../../lib/api';
import { Button, Card, Chip, Dialog, Field, Loaded, Notice, Select, Table, toast, useAct, useLoad } from '../../ui/parts';

function Invite() {
  const roles = useLoad(() => call('GET /api/v0/team/roles-full/'));
  const [email, setEmail] = useState('');
  const [role, setRole] = useState('');
  const { busy, error, act } = useAct();
  const names = (roles.data ?? []).map((one) => one.name);
  const chosen = role || (names.includes('member') ? 'member' : (names[0] ?? ''));
  const invite = (): void => act(async () => {
    const { msg } = await call('POST /api/v0/team/invite/', { body: { email, role: chosen } });
    setEmail('');
    toast(msg);
  });
  return (
    <Card title="Invite somebody">
      <form class="stack" onSubmit={(event) => { event.preventDefault(); invite(); }}>
        <p class="muted">They get a mail with a code that is good for a week, and join with it. It is of use only to who has that address.</p>
        <div class="two">
          <Field label="Email" type="email" value={email} required onInput={(event) => setEmail(event.currentTarget.value)} />
          <Select label="Role" value={chosen} options={names.map((name) => [name, name])} onChange={setRole} />
        </div>
        {error && <Notice kind="bad">{error}</Notice>}
        <div><Button kind="primary" type="submit" busy={busy} disabled={chosen === ''}>Invite</Button></div>
      </form>
    </Card>
  );
}

function Remove({ one, onClose, onDone }: { one: TeamMember; onClose: () => void; onDone: () => void }) {
  const { busy, error, act } = useAct();
  const remove = (): void => act(async () => {
    await call('DELETE /api/v0/team/members/{id}/', { path: { id: one.id } });
    toast(`${one.email} is no member any more.`);
    onDone();
    onClose();
  });
  return (
    <Dialog title={`Remove ${one.email}?`} onClose={onClose}>
      <p>Their keys of the team end at once. What they rented for it goes on, and stays the team's.</p>
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="row"><Button kind="danger" busy={busy} onClick={remove}>Remove them</Button><Button onClick={onClose}>Leave it as it is</Button></div>
    </Dialog>
  );
}

export function Members() {
  const list = useLoad(() => call('GET /api/v0/team/members/'));
  const [gone, setGone] = useState<TeamMember | null>(null);
  return (
    <div class="stack">
      <Loaded from={list} rows={2} height={48}>
        {(members) => (
          <Table head={['Member', 'Name', 'Role', '']} label="Members">
            {members.map((one) => (
              <tr key={one.id}>
                <th scope="row">{one.email}</th>
                <td>{one.fullname || one.username || '–'}</td>
                <td>{one.roles.map((role) => <Chip key={role}>{role}</Chip>)}</td>
                <td>{!one.roles.includes('owner') && <Button kind="quiet" icon="trash" aria-label={`Remove ${one.email}`} onClick={() => setGone(one)}>Remove</Button>}</td>
              </tr>
            ))}
          </Table>
        )}
      </Loaded>
      <Invite />
      {gone && <Remove one={gone} onClose={() => setGone(null)} onDone={list.reload} />}
    </div>
  );
}
