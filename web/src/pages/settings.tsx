// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import type { NotificationChoice, NotificationType, TfaStatusReply } from '#api';
import { call } from '../lib/api';
import { moment } from '../lib/format';
import { usePlace } from '../lib/router';
import { useRules } from '../lib/rules';
import { refreshUser, session } from '../lib/session';
import { useStore } from '../lib/store';
import { Area, Button, Card, Chip, Copy, Dialog, Field, Loaded, Notice, Page, Table, Tabs, toast, useAct, useLoad } from '../ui/parts';
import { Connections } from './settings/connections';
import { DeleteAccount } from './settings/delete';
import { Variables } from './settings/variables';
import { Webhooks } from './settings/webhooks';

function Profile() {
  const { user } = useStore(session);
  const [name, setName] = useState(user?.fullname ?? '');
  const [nick, setNick] = useState(user?.username ?? '');
  const { busy, error, act } = useAct();
  const save = (): void => act(async () => {
    await call('PUT /api/v0/users/', { body: { fullname: name, username: nick } });
    await refreshUser();
    toast('Saved.');
  });
  return (
    <Card title="Profile">
      <form class="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
        <p class="row"><span>{user?.email}</span>
          {user?.email_verified ? <Chip kind="good">verified</Chip> : <Chip kind="warn">not verified</Chip>}</p>
        <div class="two">
          <Field label="User name" value={nick} maxLength={128} onInput={(event) => setNick(event.currentTarget.value)} />
          <Field label="Your name" value={name} maxLength={128} onInput={(event) => setName(event.currentTarget.value)} />
        </div>
        {error && <Notice kind="bad">{error}</Notice>}
        <div><Button type="submit" busy={busy}>Save</Button></div>
      </form>
    </Card>
  );
}

/** The key that instances open to, as one box: what it is now, and another in its place. */
function ChangeKey() {
  const keys = useLoad(() => call('GET /api/v0/ssh/'));
  const [text, setText] = useState<string | null>(null);
  const { busy, error, act } = useAct();
  const newest = keys.data?.at(-1) ?? null;
  const save = (): void => act(async () => {
    const body = { ssh_key: text ?? '' };
    if (newest) await call('PUT /api/v0/ssh/{id}/', { path: { id: newest.id }, body });
    else await call('POST /api/v0/ssh/', { body });
    setText(null);
    keys.reload();
    await refreshUser();
    toast(newest ? 'The key is changed, on your instances too.' : 'The key is added.');
  });
  return (
    <Card title="SSH key" actions={newest && text === null && <Button icon="key" onClick={() => setText('')}>Change SSH Key</Button>}>
      <Loaded from={keys} rows={1} height={40}>
        {(list) => (
          <form class="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
            {newest && <Copy text={newest.public_key} label="Your SSH key" />}
            {list.length > 1 && <p class="hint">The newest of {list.length}. <a href="/keys?tab=ssh">All keys</a></p>}
            {list.length === 0 && <p class="muted">There is none yet. Without one you cannot log in to instances.</p>}
            {(text !== null || list.length === 0) && (
              <>
                <Area label={newest ? 'The key to put in its place' : 'Public key'} value={text ?? ''} rows={3} required onInput={setText}
                  placeholder="ssh-ed25519 AAAA... you@laptop" hint="The content of ~/.ssh/id_ed25519.pub: the public half, never the private one." />
                {error && <Notice kind="bad">{error}</Notice>}
                <div class="row">
                  <Button kind="primary" type="submit" busy={busy}>{newest ? 'Change SSH Key' : 'Add SSH Key'}</Button>
                  {newest && <Button onClick={() => setText(null)}>Keep the old one</Button>}
                </div>
              </>
            )}
          </form>
        )}
      </Loaded>
    </Card>
  );
}

function Password() {
  const rules = useRules();
  const [now, setNow] = useState('');
  const [next, setNext] = useState('');
  const { busy, error, act } = useAct();
  const save = (): void => act(async () => {
    const { msg } = await call('PUT /api/v0/users/password/', { body: { password: now, new_password: next } });
    setNow('');
    setNext('');
    toast(msg);
  });
  return (
    <Card title="Password">
      <form class="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
        <input class="sr" type="text" autocomplete="username" value={session.get().user?.email} readOnly tabIndex={-1} aria-hidden="true" />
        <div class="two">
          <Field label="Present password" type="password" value={now} required autocomplete="current-password"
            onInput={(event) => setNow(event.currentTarget.value)} />
          <Field label="New password" type="password" value={next} required minLength={rules?.password_min ?? 1} autocomplete="new-password"
            hint="All other sessions end." onInput={(event) => setNext(event.currentTarget.value)} />
        </div>
        {error && <Notice kind="bad">{error}</Notice>}
        <div><Button type="submit" busy={busy}>Change the password</Button></div>
      </form>
    </Card>
  );
}

function Codes({ codes, onClose }: { codes: string[]; onClose: () => void }) {
  return (
    <Dialog title="Backup codes" onClose={onClose}>
      <p>Each lets you in once, should you lose your app. They are shown this once: keep them somewhere else than your password.</p>
      <Copy text={codes.join('  ')} label="Backup codes" secret />
      <Button kind="primary" onClick={onClose}>I have kept them</Button>
    </Dialog>
  );
}

function AddFactor({ onDone }: { onDone: (codes: string[]) => void }) {
  const [seed, setSeed] = useState<{ secret: string; provisioning_uri: string } | null>(null);
  const [code, setCode] = useState('');
  const { busy, error, act } = useAct();
  const begin = (): void => act(async () => setSeed(await call('POST /api/v0/tfa/totp-setup/')));
  const confirm = (): void => act(async () => {
    const done = await call('POST /api/v0/tfa/confirm-new/', { body: { tfa_method: 'totp', code, secret: seed?.secret, label: 'app' } });
    setSeed(null);
    setCode('');
    onDone(done.backup_codes ?? []);
  });
  if (!seed) return <>{error && <Notice kind="bad">{error}</Notice>}<Button busy={busy} onClick={begin}>Add an authenticator app</Button></>;
  return (
    <form class="stack" onSubmit={(event) => { event.preventDefault(); confirm(); }}>
      <p>Add this seed to your app, or <a href={seed.provisioning_uri}>open the app here</a>. Then type the code that it shows.</p>
      <Copy text={seed.secret} label="Seed" secret />
      <Field label="Code from your app" value={code} inputMode="numeric" autocomplete="one-time-code" required
        onInput={(event) => setCode(event.currentTarget.value)} />
      {error && <Notice kind="bad">{error}</Notice>}
      <div><Button kind="primary" type="submit" busy={busy}>Turn it on</Button></div>
    </form>
  );
}

function RemoveFactor({ id, onDone, onClose }: { id: number; onDone: () => void; onClose: () => void }) {
  const [code, setCode] = useState('');
  const { busy, error, act } = useAct();
  const remove = (): void => act(async () => {
    await call('DELETE /api/v0/tfa/', { body: { target_id: id, tfa_method: 'totp', code } });
    toast('It is removed.');
    onDone();
  });
  return (
    <Dialog title="Remove this second factor?" onClose={onClose}>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); remove(); }}>
        <p>With the last one gone, a password alone logs in to your account and its credit.</p>
        <Field label="Code from your app" value={code} inputMode="numeric" autocomplete="one-time-code" required
          onInput={(event) => setCode(event.currentTarget.value)} />
        {error && <Notice kind="bad">{error}</Notice>}
        <Button kind="danger" type="submit" busy={busy}>Remove it</Button>
      </form>
    </Dialog>
  );
}

/** Ten others, in place of all. */
function MoreCodes({ onDone, onClose }: { onDone: (codes: string[]) => void; onClose: () => void }) {
  const [code, setCode] = useState('');
  const { busy, error, act } = useAct();
  const make = (): void => act(async () => onDone((await call('PUT /api/v0/tfa/regen-backup-codes/', { body: { tfa_method: 'totp', code } })).backup_codes));
  return (
    <Dialog title="Make other backup codes?" onClose={onClose}>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); make(); }}>
        <p>Those that you have open nothing any more.</p>
        <Field label="Code from your app" value={code} inputMode="numeric" autocomplete="one-time-code" required onInput={(event) => setCode(event.currentTarget.value)} />
        {error && <Notice kind="bad">{error}</Notice>}
        <Button kind="primary" type="submit" busy={busy}>Make them</Button>
      </form>
    </Dialog>
  );
}

function Factors() {
  const status = useLoad(() => call('GET /api/v0/tfa/status/'));
  const [codes, setCodes] = useState<string[]>([]);
  const [gone, setGone] = useState<number | null>(null);
  const [isMore, setMore] = useState(false);
  const done = (list: string[]): void => { setCodes(list); status.reload(); void refreshUser(); };
  return (
    <Card title="Two-factor authentication">
      <Loaded from={status} rows={1}>
        {({ tfa_enabled: isOn, methods, backup_codes_remaining: left }: TfaStatusReply) => (
          <div class="stack">
            <p class="row">{isOn ? <Chip kind="good">on</Chip> : <Chip kind="warn">off</Chip>}
              <span class="muted">{isOn ? `${left} backup codes left` : 'A password alone opens your account.'}</span></p>
            {methods.map((method) => (
              <p class="row spread" key={method.id}>
                <span>{method.label ?? 'Authenticator app'} <span class="muted">since {moment(method.created_at)}</span></span>
                <Button kind="quiet" icon="trash" onClick={() => setGone(method.id)}>Remove</Button>
              </p>
            ))}
            <div class="row"><AddFactor onDone={done} />{isOn && <Button onClick={() => setMore(true)}>Other backup codes</Button>}</div>
          </div>
        )}
      </Loaded>
      {codes.length > 0 && <Codes codes={codes} onClose={() => setCodes([])} />}
      {isMore && <MoreCodes onClose={() => setMore(false)} onDone={(list) => { setMore(false); done(list); }} />}
      {gone !== null && <RemoveFactor id={gone} onClose={() => setGone(null)} onDone={() => { setGone(null); done([]); }} />}
    </Card>
  );
}

type Choices = Record<string, Record<string, NotificationChoice>>;

function Grid({ types, initial }: { types: NotificationType[]; initial: Choices }) {
  const [choices, setChoices] = useState(initial);
  const { busy, error, act } = useAct();
  const user = session.get().user?.id ?? 0;
  const choose = (type: NotificationType, way: 'email' | 'webhooks', value: boolean): void => {
    const now = choices[type.context]?.[type.slug] ?? type.default_preferences;
    setChoices({ ...choices, [type.context]: { ...choices[type.context], [type.slug]: { ...now, [way]: value } } });
  };
  const save = (): void => act(async () => {
    await call('PUT /api/v0/users/{user_id}/notification-prefs/', { path: { user_id: user }, body: { notification_preferences: choices } });
    toast('Saved.');
  });
  return (
    <div class="stack">
      <Table kind="columns" head={['What happens', 'By mail', 'By webhook']} label="Notifications">
        {types.map((type) => {
          const now = choices[type.context]?.[type.slug] ?? type.default_preferences;
          return (
            <tr key={type.key}>
              <th scope="row">{type.display_name}</th>
              {(['email', 'webhooks'] as const).map((way) => (
                <td key={way}>
                  <input type="checkbox" checked={now[way]} disabled={way === 'email' && type.mandatory_email}
                    aria-label={`${type.display_name}: ${way === 'email' ? 'by mail' : 'by webhook'}`}
                    onChange={(event) => choose(type, way, event.currentTarget.checked)} />
                </td>
              ))}
            </tr>
          );
        })}
      </Table>
      {error && <Notice kind="bad">{error}</Notice>}
      <div><Button kind="primary" busy={busy} onClick={save}>Save</Button></div>
      <p class="hint">At which credit you are told, is set under <a href="/billing">Billing</a>.</p>
    </div>
  );
}

function Notifications() {
  const user = session.get().user?.id ?? 0;
  const loaded = useLoad(async () => {
    const [kinds, prefs] = await Promise.all([
      call('GET /api/v0/notification-types/'),
      call('GET /api/v0/users/{user_id}/notification-prefs/', { path: { user_id: user } }),
    ]);
    return { types: kinds.notification_types, choices: prefs.notification_preferences };
  });
  return <Loaded from={loaded}>{({ types, choices }) => <Grid types={types} initial={choices} />}</Loaded>;
}

export function SettingsPage(_: { id: number }) {
  const tab = usePlace().query.get('tab') ?? 'profile';
  return (
    <Page title="Settings">
      <Tabs label="Settings" value={tab} to={(key) => `/settings?tab=${key}`}
        tabs={[['profile', 'Profile'], ['security', 'Security'], ['notifications', 'Notifications'], ['webhooks', 'Webhooks'], ['variables', 'Variables and clouds']]} />
      <div class="stack">
        {tab === 'profile' && <><Profile /><ChangeKey /></>}
        {tab === 'security' && <><Password /><Factors /><DeleteAccount /></>}
        {tab === 'notifications' && <Notifications />}
        {tab === 'webhooks' && <Webhooks />}
        {tab === 'variables' && <><Variables /><Connections /></>}
      </div>
    </Page>
  );
}
