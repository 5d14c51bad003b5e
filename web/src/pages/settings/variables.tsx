// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import { call } from '../../lib/api';
import { Button, Card, Field, Loaded, Notice, Table, toast, useAct, useLoad } from '../../ui/parts';

/** Environment variables that every instance gets; their values never come back. */
export function Variables() {
  const list = useLoad(() => call('GET /api/v0/secrets/'));
  const [key, setKey] = useState('');
  const [value, setValue] = useState('');
  const { busy, error, act } = useAct();
  const names = Object.keys(list.data?.secrets ?? {});
  const isKnown = names.includes(key.trim().toUpperCase());
  const save = (): void => act(async () => {
    const body = { key: key.trim(), value };
    const { msg } = isKnown ? await call('PUT /api/v0/secrets/', { body }) : await call('POST /api/v0/secrets/', { body });
    setKey('');
    setValue('');
    list.reload();
    toast(msg);
  });
  const remove = (name: string): void => act(async () => {
    const { msg } = await call('DELETE /api/v0/secrets/', { body: { key: name } });
    list.reload();
    toast(msg);
  });
  return (
    <Card title="Environment variables">
      <div class="stack">
        <p class="muted">Every instance that is made from now on gets them. Their values are kept encrypted and are never shown again.</p>
        <Loaded from={list} rows={1} height={48}>
          {() => names.length === 0 ? <p class="muted">There are none yet.</p> : (
            <Table label="Environment variables" head={['Name', 'Value', '']}>
              {names.map((name) => (
                <tr key={name}><th scope="row"><code>{name}</code></th><td class="muted">kept</td>
                  <td><Button kind="quiet" icon="trash" busy={busy} aria-label={`Forget ${name}`} onClick={() => remove(name)}>Forget</Button></td></tr>
              ))}
            </Table>
          )}
        </Loaded>
        <form class="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
          <div class="two">
            <Field label="Name of the variable" value={key} required placeholder="HF_TOKEN" spellcheck={false} onInput={(event) => setKey(event.currentTarget.value)} />
            <Field label="Value" type="password" autocomplete="off" value={value} required onInput={(event) => setValue(event.currentTarget.value)} />
          </div>
          {error && <Notice kind="bad">{error}</Notice>}
          <div><Button kind="primary" type="submit" busy={busy}>{isKnown ? 'Give it another value' : 'Keep it'}</Button></div>
        </form>
      </div>
    </Card>
  );
}
