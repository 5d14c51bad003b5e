// SPDX-License-Identifier: Apache-2.0
/** An instance's files to a cloud store and from it: by its host, while it runs or is stopped. */
import { useState } from 'preact/hooks';
import type { Connection, Instance } from '#api';
import { call } from '../../lib/api';
import { readSoon } from '../../lib/live';
import { Button, Check, Copy, Dialog, Field, Loaded, Notice, Select, toast, useAct, useLoad } from '../../ui/parts';

const OUT = 'Instance To Cloud';
const IN = 'Cloud To Instance';

function None() {
  return (
    <div class="stack">
      <p>You have no connection to a cloud store. Add one in your settings, and what is here is copied there, or from there, by the host.</p>
      <div><a class="button primary" href="/settings?tab=variables">Add a connection</a></div>
      <p class="hint">Or from inside the instance, where the host never has your key, with a store that its rclone knows:</p>
      <Copy text="rclone copy /root/ store:bucket/folder --progress" label="To the store" />
    </div>
  );
}

function Form({ one, connections, onClose }: { one: Instance; connections: Connection[]; onClose: () => void }) {
  const [chosen, setChosen] = useState(String(connections[0]?.id ?? ''));
  const [there, setThere] = useState('');
  const [here, setHere] = useState('/root/');
  const [way, setWay] = useState(OUT);
  const [isTry, setTry] = useState(false);
  const { busy, error, act } = useAct();
  const copy = (): void => act(async () => {
    const { msg } = await call('POST /api/v0/commands/rclone/', { body: { instance_id: one.id, selected: chosen, src: way === OUT ? here : there, dst: way === OUT ? there : here, transfer: way,
      flags: isTry ? ['--dry-run'] : [] } });
    toast(msg);
    readSoon();
    onClose();
  });
  const cancel = (): void => act(async () => {
    const done = await call('DELETE /api/v0/commands/rclone/', { body: { dst_id: one.id } });
    toast(done.msg, done.success ? 'good' : 'bad');
    readSoon();
  });
  return (
    <form class="stack" onSubmit={(event) => { event.preventDefault(); copy(); }}>
      <Select label="Store" value={chosen} onChange={setChosen} options={connections.map((store) => [String(store.id), store.name])} />
      <Select label="Which way" value={way} onChange={setWay} options={[[OUT, 'To the store'], [IN, 'From the store']]} />
      <Field label="Here" value={here} required hint="A folder or a file of the instance." onInput={(event) => setHere(event.currentTarget.value)} />
      <Field label="There" value={there} required placeholder="bucket/folder" hint="In the store, from its root." onInput={(event) => setThere(event.currentTarget.value)} />
      <Check label="Only try it" checked={isTry} onChange={setTry} hint="It says what would be copied, and copies nothing." />
      <p class="hint">Its status says how far that is, and how it ended. Traffic is paid as ever; links are left out.</p>
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="row"><Button kind="primary" type="submit" busy={busy}>Copy it</Button><Button busy={busy} onClick={cancel}>Cancel the copy that goes on</Button></div>
    </form>
  );
}

export function CloudDialog({ one, onClose }: { one: Instance; onClose: () => void }) {
  const list = useLoad(() => call('GET /api/v0/users/cloud_integrations/'));
  return (
    <Dialog title={`Cloud copy of instance ${one.id}`} onClose={onClose}>
      <Loaded from={list} rows={1} height={80}>{(connections) => (connections.length === 0 ? <None /> : <Form one={one} connections={connections} onClose={onClose} />)}</Loaded>
    </Dialog>
  );
}
