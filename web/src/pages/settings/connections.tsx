// SPDX-License-Identifier: Apache-2.0
/** Connections to cloud stores: what it takes to get in there is sealed, and never comes back. */
import { useState } from 'preact/hooks';
import type { Connection } from '#api';
import { call } from '../../lib/api';
import { moment } from '../../lib/format';
import { Area, Button, Card, Dialog, Empty, Field, Loaded, Notice, Select, Table, toast, useAct, useLoad } from '../../ui/parts';

interface Part { key: string; label: string; needed?: boolean; secret?: boolean; long?: boolean; hint?: string }
interface Kind { key: string; name: string; parts: Part[] }

const SERVICE: Part = { key: 'service_account_credentials', label: 'Service account', needed: true, secret: true, long: true, hint: 'The JSON file of its key, as it is.' };

/** By rclone's names, which the API goes by. */
export const KINDS: Kind[] = [
  { key: 's3', name: 'S3, and what speaks as it does', parts: [{ key: 'access_key_id', label: 'Access key', needed: true }, { key: 'secret_access_key', label: 'Secret key', needed: true, secret: true },
    { key: 'session_token', label: 'Session token', secret: true }, { key: 'region', label: 'Region' }, { key: 'endpoint', label: 'Endpoint', hint: 'Where it is not AWS.' }, { key: 'provider', label: 'Provider', hint: 'As rclone names it: AWS, Cloudflare, Minio, Other.' }] },
  { key: 'b2', name: 'Backblaze B2', parts: [{ key: 'account', label: 'Key id', needed: true }, { key: 'key', label: 'Application key', needed: true, secret: true }] },
  { key: 'gcs', name: 'Google Cloud Storage', parts: [SERVICE, { key: 'project_number', label: 'Project number' }] },
  { key: 'azureblob', name: 'Azure Blob Storage', parts: [{ key: 'account', label: 'Storage account', needed: true }, { key: 'key', label: 'Account key', needed: true, secret: true }] },
  { key: 'drive', name: 'Google Drive', parts: [SERVICE, { key: 'root_folder_id', label: 'Folder id' }] },
  { key: 'dropbox', name: 'Dropbox', parts: [{ key: 'token', label: 'Token', needed: true, secret: true, long: true, hint: 'As “rclone authorize dropbox” prints it.' }] },
  { key: 'webdav', name: 'WebDAV', parts: [{ key: 'url', label: 'Address', needed: true }, { key: 'vendor', label: 'Vendor' }, { key: 'user', label: 'User' }, { key: 'pass', label: 'Password', secret: true }, { key: 'bearer_token', label: 'Bearer token', secret: true }] },
];

const kindName = (key: string): string => KINDS.find((one) => one.key === key)?.name ?? key;

function Add({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState('');
  const [key, setKey] = useState('s3');
  const [config, setConfig] = useState<Record<string, string>>({});
  const { busy, error, act } = useAct();
  const { parts } = KINDS.find((one) => one.key === key) ?? (KINDS[0] as Kind);
  const set = (part: string, text: string): void => setConfig({ ...config, [part]: text });
  const save = (): void => act(async () => {
    const given = Object.fromEntries(parts.map(({ key: part }) => [part, config[part] ?? '']).filter(([, text]) => text !== ''));
    await call('POST /api/v0/users/cloud_integrations/', { body: { name, cloud_type: key, config: given } });
    toast('The connection is kept.');
    onDone();
  });
  return (
    <Dialog title="Add a cloud connection" onClose={onClose}>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
        <Field label="Name" value={name} required maxLength={64} placeholder="backups" onInput={(event) => setName(event.currentTarget.value)} />
        <Select label="Kind of store" value={key} options={KINDS.map((one) => [one.key, one.name])} onChange={(kind) => { setKey(kind); setConfig({}); }} />
        {parts.map((part) => part.long
          ? <Area key={`${key} ${part.key}`} label={part.label} value={config[part.key] ?? ''} rows={3} required={part.needed} hint={part.hint} onInput={(text) => set(part.key, text)} />
          : <Field key={`${key} ${part.key}`} label={part.label} value={config[part.key] ?? ''} required={part.needed} hint={part.hint} spellcheck={false}
            type={part.secret ? 'password' : 'text'} autocomplete="off" onInput={(event) => set(part.key, event.currentTarget.value.trim())} />)}
        <p class="hint">It is kept encrypted and is never shown again. While a copy goes on the instance's host has it in memory: let it be a key that opens no more than what you copy.</p>
        {error && <Notice kind="bad">{error}</Notice>}
        <Button kind="primary" type="submit" busy={busy}>Keep the connection</Button>
      </form>
    </Dialog>
  );
}

function Row({ one, onDone }: { one: Connection; onDone: () => void }) {
  const { busy, error, act } = useAct();
  const remove = (): void => act(async () => {
    toast((await call('DELETE /api/v0/users/cloud_integrations/{id}/', { path: { id: one.id } })).msg);
    onDone();
  });
  return (
    <tr><th scope="row">{one.name}</th><td>{kindName(one.cloud_type)}</td><td>{moment(one.created_at)}</td>
      <td><Button kind="quiet" icon="trash" busy={busy} aria-label={`Forget ${one.name}`} onClick={remove}>Forget</Button>{error && <Notice kind="bad">{error}</Notice>}</td></tr>
  );
}

export function Connections() {
  const list = useLoad(() => call('GET /api/v0/users/cloud_integrations/'));
  const [isAdding, setAdding] = useState(false);
  return (
    <Card title="Cloud connections" actions={<Button kind="primary" icon="cloud" onClick={() => setAdding(true)}>Add a connection</Button>}>
      <Loaded from={list} rows={1} height={48}>
        {(connections) => connections.length === 0
          ? <Empty icon="cloud" title="No connection yet"><p>To a bucket or a folder of yours elsewhere: instances copy from there and to there by Cloud on their cards, also while they are stopped.</p></Empty>
          : <Table label="Cloud connections" head={['Name', 'Store', 'Since', '']}>{connections.map((one) => <Row key={one.id} one={one} onDone={list.reload} />)}</Table>}
      </Loaded>
      {isAdding && <Add onClose={() => setAdding(false)} onDone={() => { setAdding(false); list.reload(); }} />}
    </Card>
  );
}
