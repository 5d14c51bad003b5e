// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import { call } from '../lib/api';
import { ago, moment } from '../lib/format';
import { usePlace } from '../lib/router';
import { rightsOf, scopeWords } from '../lib/scopes';
import { session } from '../lib/session';
import { Area, Button, Card, Chip, Copy, Dialog, Empty, Field, Loaded, Notice, Page, Table, Tabs, toast, useAct, useLoad } from '../ui/parts';
import { Scopes } from '../ui/scopes';

function SshKeys() {
  const keys = useLoad(() => call('GET /api/v0/ssh/'));
  const [text, setText] = useState('');
  const { busy, error, act } = useAct();
  const add = (): void => act(async () => {
    await call('POST /api/v0/ssh/', { body: { ssh_key: text } });
    setText('');
    keys.reload();
    toast('The key is added, to your instances too.');
  });
  const remove = (id: number): void => act(async () => {
    await call('DELETE /api/v0/ssh/{id}/', { path: { id } });
    keys.reload();
    toast('The key opens nothing any more.');
  });
  return (
    <div class="stack">
      <Loaded from={keys} rows={2} height={48}>
        {(list) => list.length === 0 ? <Empty icon="key" title="No SSH key yet"><p>Add the public half of yours: all your instances open to it.</p></Empty> : (
          <Table head={['Key', 'Added', '']} label="SSH keys">
            {list.map((key) => (
              <tr key={key.id}>
                <td class="wrap"><code>{key.public_key}</code></td>
                <td>{moment(key.created_at)}</td>
                <td><Button kind="quiet" icon="trash" busy={busy} onClick={() => remove(key.id)}>Remove</Button></td>
              </tr>
            ))}
          </Table>
        )}
      </Loaded>
      <Card title="Add a key">
        <form class="stack" onSubmit={(event) => { event.preventDefault(); add(); }}>
          <Area label="Public key" value={text} rows={3} required onInput={setText} placeholder="ssh-ed25519 AAAA... you@laptop"
            hint="The content of ~/.ssh/id_ed25519.pub. To make one: ssh-keygen -t ed25519" />
          {error && <Notice kind="bad">{error}</Notice>}
          <div><Button kind="primary" type="submit" busy={busy}>Add SSH Key</Button></div>
        </form>
      </Card>
    </div>
  );
}

/** Of instances the one alone: by routes whose path names it. */
function limitsOf(scopes: string[], only: string): Record<string, unknown> {
  if (only === '') return {};
  const bound = { constraints: { id: { eq: Number(only) } } };
  const limits: Record<string, unknown> = {};
  if (scopes.includes('instance_read')) limits.instance_read = { 'api.instance.show': bound, 'api.instance.why': bound };
  if (scopes.includes('instance_write')) limits.instance_write = { 'api.instance.update': bound, 'api.instance.destroy': bound, 'api.instance.reboot': bound };
  return limits;
}

function MakeKey({ onClose, onMade }: { onClose: () => void; onMade: (key: string) => void }) {
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<string[]>(['instance_read', 'user_read']);
  const [only, setOnly] = useState('');
  const { busy, error, act } = useAct();
  const make = (): void => act(async () => {
    const made = await call('POST /api/v0/auth/apikeys/', { body: { name, permissions: rightsOf(scopes, limitsOf(scopes, only)) } });
    onMade(made.key);
  });
  return (
    <Dialog title="Make an API key" onClose={onClose} wide>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); make(); }}>
        <Field label="Name" value={name} required maxLength={64} hint="What or who uses it." onInput={(event) => setName(event.currentTarget.value)} />
        <Scopes chosen={scopes} onChange={setScopes} />
        <Field label="Only this instance" type="number" min={1} value={only} placeholder="all of them" hint="Then of instances it may show, start, stop and destroy that one alone."
          onInput={(event) => setOnly(event.currentTarget.value)} />
        {error && <Notice kind="bad">{error}</Notice>}
        <Button kind="primary" type="submit" busy={busy} disabled={scopes.length === 0}>Make the key</Button>
      </form>
    </Dialog>
  );
}

function ApiKeys() {
  const keys = useLoad(() => call('GET /api/v0/auth/apikeys/'));
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<string | null>(null);
  const { busy, error, act } = useAct();
  const revoke = (id: number): void => act(async () => {
    await call('DELETE /api/v0/auth/apikeys/{id}/', { path: { id } });
    keys.reload();
    toast('The key is revoked.');
  });
  return (
    <div class="stack">
      {made && <Notice kind="good" action={<Button onClick={() => setMade(null)}>I have kept it</Button>}>
        <p>This is the key. It is shown this once.</p><Copy text={made} label="API key" secret /></Notice>}
      {error && <Notice kind="bad">{error}</Notice>}
      <div><Button kind="primary" icon="key" onClick={() => setMaking(true)}>Make an API key</Button></div>
      <Loaded from={keys} rows={2} height={48}>
        {({ apikeys }) => (
          <Table head={['Name', 'May', 'Made', 'Last used', '']} label="API keys">
            {apikeys.map((key) => (
              <tr key={key.id}>
                <th scope="row">{key.name || `Key ${key.id}`}{key.team_name && <span class="muted"> · {key.team_name}</span>}</th>
                <td class="wrap">{scopeWords(key.rights)}</td>
                <td>{moment(key.created_at)}</td>
                <td>{key.last_used === null ? 'never' : <time dateTime={new Date(key.last_used * 1000).toISOString()} title={`${moment(key.last_used)}, known to the hour`}>{ago(key.last_used)}</time>}</td>
                <td><Button kind="quiet" icon="trash" busy={busy} onClick={() => revoke(key.id)}>Revoke</Button></td>
              </tr>
            ))}
          </Table>
        )}
      </Loaded>
      {isMaking && <MakeKey onClose={() => setMaking(false)} onMade={(key) => { setMade(key); setMaking(false); keys.reload(); }} />}
    </div>
  );
}

function Sessions() {
  const list = useLoad(() => call('GET /api/v0/sessions/'));
  const { busy, error, act } = useAct();
  const end = (id: number): void => act(async () => {
    await call('DELETE /api/v0/sessions/{id}/', { path: { id } });
    list.reload();
    toast('That session is over.');
  });
  const endAll = (): void => act(async () => {
    await call('DELETE /api/v0/sessions/');
    list.reload();
    toast('All other sessions are over.');
  });
  return (
    <div class="stack">
      {error && <Notice kind="bad">{error}</Notice>}
      <Loaded from={list} rows={2} height={48}>
        {({ sessions }) => (
          <>
            <Table head={['Where', 'Browser', 'Since', 'Last seen', '']} label="Sessions">
              {sessions.map((one) => (
                <tr key={one.id}>
                  <th scope="row">{one.ip_address} {one.current && <Chip kind="good">this one</Chip>}</th>
                  <td class="wrap">{one.user_agent}</td>
                  <td>{moment(one.created_at)}</td>
                  <td>{ago(one.last_seen)}</td>
                  <td>{!one.current && <Button kind="quiet" icon="out" busy={busy} onClick={() => end(one.id)}>End it</Button>}</td>
                </tr>
              ))}
            </Table>
            {sessions.length > 1 && <div><Button busy={busy} onClick={endAll}>End all others</Button></div>}
          </>
        )}
      </Loaded>
    </div>
  );
}

export function KeysPage(_: { id: number }) {
  const tab = usePlace().query.get('tab') ?? 'ssh';
  return (
    <Page title="Keys" lead="What opens your instances and your account.">
      {session.get().team !== null && <Notice>You act for a team: these are the team's keys.</Notice>}
      <Tabs label="Keys" value={tab} to={(key) => `/keys?tab=${key}`} tabs={[['ssh', 'SSH'], ['api', 'API'], ['sessions', 'Sessions']]} />
      {tab === 'ssh' && <SshKeys />}
      {tab === 'api' && <ApiKeys />}
      {tab === 'sessions' && <Sessions />}
    </Page>
  );
}
