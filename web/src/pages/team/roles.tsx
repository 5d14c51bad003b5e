// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import type { TeamRole } from '#api';
import { call } from '../../lib/api';
import { rightsOf, scopesOf, scopeWords } from '../../lib/scopes';
import { Button, Dialog, Field, Loaded, Notice, Table, toast, useAct, useLoad } from '../../ui/parts';
import { Scopes } from '../../ui/scopes';

function Editor({ was, onClose, onDone }: { was: TeamRole | null; onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState(was?.name ?? '');
  const [scopes, setScopes] = useState<string[]>(was ? scopesOf(was.permissions) : ['instance_read']);
  const { busy, error, act } = useAct();
  const save = (): void => act(async () => {
    const body = { name, permissions: rightsOf(scopes) };
    if (was) await call('PUT /api/v0/team/roles/{id}/', { path: { id: was.id }, body });
    else await call('POST /api/v0/team/roles/', { body });
    toast('The role is kept.');
    onDone();
    onClose();
  });
  return (
    <Dialog title={was ? `Change ${was.name}` : 'Make a role'} onClose={onClose} wide>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
        <Field label="Name" value={name} required maxLength={64} onInput={(event) => setName(event.currentTarget.value)} />
        <Scopes chosen={scopes} onChange={setScopes} />
        {was && <Notice>It changes at once for all who have it.</Notice>}
        {error && <Notice kind="bad">{error}</Notice>}
        <Button kind="primary" type="submit" busy={busy}>Keep the role</Button>
      </form>
    </Dialog>
  );
}

export function Roles() {
  const list = useLoad(() => call('GET /api/v0/team/roles-full/'));
  const [edited, setEdited] = useState<TeamRole | 'new' | null>(null);
  const { busy, error, act } = useAct();
  const remove = (role: TeamRole): void => act(async () => {
    const { message } = await call('DELETE /api/v0/team/roles/{name}/', { path: { name: role.name } });
    toast(message);
    list.reload();
  });
  return (
    <div class="stack">
      <div><Button kind="primary" icon="people" onClick={() => setEdited('new')}>Make a role</Button></div>
      {error && <Notice kind="bad">{error}</Notice>}
      <Loaded from={list} rows={2} height={48}>
        {(roles) => (
          <Table head={['Role', 'May', '']} label="Roles">
            {roles.map((role) => (
              <tr key={role.id}>
                <th scope="row">{role.name}</th>
                <td class="wrap">{scopeWords(role.permissions) || 'nothing'}</td>
                <td><div class="row"><Button kind="quiet" aria-label={`Change ${role.name}`} onClick={() => setEdited(role)}>Change</Button>
                  <Button kind="quiet" icon="trash" busy={busy} aria-label={`Delete ${role.name}`} onClick={() => remove(role)} /></div></td>
              </tr>
            ))}
          </Table>
        )}
      </Loaded>
      {edited && <Editor was={edited === 'new' ? null : edited} onClose={() => setEdited(null)} onDone={list.reload} />}
    </div>
  );
}
