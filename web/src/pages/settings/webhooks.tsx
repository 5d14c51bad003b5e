// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import type { NotificationType, Webhook } from '#api';
import { call } from '../../lib/api';
import { moment } from '../../lib/format';
import { Button, Card, Check, Chip, Copy, Dialog, Empty, Field, Loaded, Notice, Table, toast, useAct, useLoad } from '../../ui/parts';

type Draft = Pick<Webhook, 'name' | 'webhook_url' | 'event_types'>;

function Editor({ one, types, onClose, onDone }: { one: Webhook | null; types: NotificationType[]; onClose: () => void; onDone: (secret: string | null) => void }) {
  const [draft, setDraft] = useState<Draft>(one ?? { name: '', webhook_url: '', event_types: types.map(({ key }) => key) });
  const { busy, error, act } = useAct();
  const choose = (key: string, on: boolean): void =>
    setDraft({ ...draft, event_types: on ? [...draft.event_types, key] : draft.event_types.filter((kind) => kind !== key) });
  const save = (): void => act(async () => {
    const body = { name: draft.name || null, webhook_url: draft.webhook_url, event_types: draft.event_types };
    const { webhook } = one ? await call('PUT /api/v0/webhooks/{id}/', { path: { id: one.id }, body }) : await call('POST /api/v0/webhooks/', { body });
    onDone(webhook.webhook_secret ?? null);
  });
  return (
    <Dialog title={one ? 'Change the webhook' : 'Add a webhook'} onClose={onClose} wide>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
        <div class="two">
          <Field label="Name" value={draft.name} maxLength={64} onInput={(event) => setDraft({ ...draft, name: event.currentTarget.value })} />
          <Field label="Address" value={draft.webhook_url} required placeholder="https://example.org/berth" hint="https, and public." onInput={(event) => setDraft({ ...draft, webhook_url: event.currentTarget.value.trim() })} />
        </div>
        <fieldset><legend><h3>What it is told of</h3></legend>
          {types.map(({ key, display_name: name }) => <Check key={key} label={name} checked={draft.event_types.includes(key)} onChange={(on) => choose(key, on)} />)}
        </fieldset>
        {error && <Notice kind="bad">{error}</Notice>}
        <Button kind="primary" type="submit" busy={busy} disabled={draft.event_types.length === 0}>{one ? 'Keep it' : 'Add it'}</Button>
      </form>
    </Dialog>
  );
}

function Row({ one, onEdit, onDone, onSecret }: { one: Webhook; onEdit: () => void; onDone: () => void; onSecret: (secret: string) => void }) {
  const { busy, error, act } = useAct();
  const path = { id: one.id };
  const test = (): void => act(async () => toast((await call('POST /api/v0/webhooks/{id}/test/', { path })).msg));
  const rotate = (): void => act(async () => onSecret((await call('POST /api/v0/webhooks/{id}/rotate-secret/', { path })).webhook.webhook_secret ?? ''));
  const remove = (): void => act(async () => { await call('DELETE /api/v0/webhooks/{id}/', { path }); toast('It is sent nothing any more.'); onDone(); });
  const name = one.name || one.webhook_url;
  return (
    <tr>
      <th scope="row">{one.name || `Webhook ${one.id}`}<div class="muted small">{one.webhook_url}</div></th>
      <td>{one.event_types.length}</td>
      <td>{!one.enabled ? <Chip kind="bad">off</Chip> : one.failing_since === null ? <Chip kind="good">on</Chip> : <Chip kind="warn">nothing arrives since {moment(one.failing_since)}</Chip>}{error && <Notice kind="bad">{error}</Notice>}</td>
      <td><span class="row">
        <Button kind="quiet" busy={busy} aria-label={`Test ${name}`} onClick={test}>Test</Button>
        <Button kind="quiet" aria-label={`Change ${name}`} onClick={onEdit}>Change</Button>
        <Button kind="quiet" busy={busy} aria-label={`Another secret for ${name}`} onClick={rotate}>Another secret</Button>
        <Button kind="quiet" icon="trash" busy={busy} aria-label={`Remove ${name}`} onClick={remove} />
      </span></td>
    </tr>
  );
}

export function Webhooks() {
  const list = useLoad(async () => ({ hooks: (await call('GET /api/v0/webhooks/')).webhooks, types: (await call('GET /api/v0/notification-types/')).notification_types }));
  const [edited, setEdited] = useState<Webhook | 'new' | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const done = (made: string | null): void => { setEdited(null); setSecret(made); list.reload(); };
  return (
    <Card title="Webhooks" actions={<Button kind="primary" onClick={() => setEdited('new')}>Add a webhook</Button>}>
      {secret && <Notice kind="good" action={<Button onClick={() => setSecret(null)}>I have kept it</Button>}>
        <p>What is sent is signed with this secret. It is shown this once.</p><Copy text={secret} label="Secret of the webhook" secret /></Notice>}
      <Loaded from={list} rows={1} height={60}>
        {({ hooks, types }) => (
          <>
            {hooks.length === 0 ? <Empty icon="link" title="No webhook yet"><p>An address of yours is told of what happens, by a signed POST, as it happens.</p></Empty> : (
              <Table label="Webhooks" head={['Webhook', 'Kinds', 'State', '']}>
                {hooks.map((one) => <Row key={one.id} one={one} onEdit={() => setEdited(one)} onDone={list.reload} onSecret={setSecret} />)}
              </Table>
            )}
            {edited && <Editor one={edited === 'new' ? null : edited} types={types} onClose={() => setEdited(null)} onDone={done} />}
          </>
        )}
      </Loaded>
    </Card>
  );
}
