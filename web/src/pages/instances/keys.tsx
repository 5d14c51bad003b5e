// SPDX-License-Identifier: Apache-2.0
/** The keys that open one instance, beside those of the account. */
import { useState } from 'preact/hooks';
import type { Instance } from '#api';
import { call } from '../../lib/api';
import { Area, Button, Dialog, Loaded, Notice, Table, toast, useAct, useLoad } from '../../ui/parts';

export function KeysDialog({ one, onClose }: { one: Instance; onClose: () => void }) {
  const path = { id: one.id };
  const list = useLoad(async () => JSON.parse((await call('GET /api/v0/instances/{id}/ssh/', { path })).ssh_keys) as { id: number; public_key: string }[]);
  const [text, setText] = useState('');
  const { busy, error, act } = useAct();
  const add = (): void => act(async () => {
    await call('POST /api/v0/instances/{id}/ssh/', { path, body: { ssh_key: text } });
    setText('');
    list.reload();
    toast('The key opens it, within seconds.');
  });
  const remove = (key: number): void => act(async () => {
    await call('DELETE /api/v0/instances/{id}/ssh/{key}/', { path: { ...path, key } });
    list.reload();
  });
  return (
    <Dialog title={`Keys of instance ${one.id}`} onClose={onClose} wide>
      <Loaded from={list} rows={1} height={60}>
        {(told) => told.length === 0 ? <p class="muted">No key opens it.</p> : (
          <Table label="Keys of the instance" head={['Key', '']}>
            {told.map((key) => (
              <tr key={key.id}><td class="wrap"><code>{key.public_key}</code></td>
                <td><Button kind="quiet" icon="trash" busy={busy} aria-label={`Remove key ${key.id}`} onClick={() => remove(key.id)} /></td></tr>
            ))}
          </Table>
        )}
      </Loaded>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); add(); }}>
        <Area label="One more key" value={text} rows={2} required onInput={setText} placeholder="ssh-ed25519 AAAA... colleague@laptop" hint="For this instance alone. Keys of the account open all." />
        {error && <Notice kind="bad">{error}</Notice>}
        <div><Button kind="primary" type="submit" busy={busy}>Add SSH key</Button></div>
      </form>
    </Dialog>
  );
}
