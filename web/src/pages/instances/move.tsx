// SPDX-License-Identifier: Apache-2.0
/** An instance's files elsewhere: to another machine, to a cloud store, or home while it has no GPUs. */
import { useState } from 'preact/hooks';
import type { Instance } from '#api';
import { call } from '../../lib/api';
import { day, duration, number } from '../../lib/format';
import { live } from '../../lib/live';
import { useStore } from '../../lib/store';
import { Button, Copy, Dialog, Field, Loaded, Notice, Select, toast, useAct, useLoad } from '../../ui/parts';

type Props = { one: Instance; onClose: () => void };

/** A search for others like it, that are rented with what this one runs. */
function moveLink(one: Instance): string {
  const query = new URLSearchParams({ from: String(one.id), disk: String(Math.ceil(one.disk_space)), gpus: String(Math.min(9, one.num_gpus)) });
  if (one.gpu_name) query.set('gpu', one.gpu_name);
  if (one.is_bid) query.set('type', 'bid');
  if (one.verification !== 'verified') query.set('unverified', '1');
  return `/?${query}`;
}

/** So long it takes at the slower side's speed, which this machine's is at most. */
const copyTime = (one: Instance): string | null =>
  one.disk_usage > 0 && one.inet_up ? duration((one.disk_usage * 8192) / one.inet_up) : null;

export function MoveDialog({ one, onClose }: Props) {
  const time = copyTime(one);
  return (
    <Dialog title={`Move instance ${one.id} to another machine`} onClose={onClose}>
      <ol class="prose">
        <li>Choose an offer; what is rented there runs <code>{one.image_uuid}</code> as this one does, with a disk of {number(one.disk_space)} GB.</li>
        <li>Its page then copies the files from here by one press{time ? `: about ${time} for ${number(one.disk_usage, 1)} GB, at this machine's speed` : ''}. That goes while this one is stopped, too.</li>
        <li>Look whether all is there, then destroy this one. Until then its disk costs {day(one.storage_total_cost)}.</li>
      </ol>
      <a class="button primary" href={moveLink(one)}>Choose where to</a>
      <p class="hint">Or all of it by one command, which takes the whole disk along, starts it there and destroys this one last:</p>
      <Copy text={`berth migrate ${one.id}`} label="Move it by the command line" />
    </Dialog>
  );
}

/** On the page of what takes another's place. */
export function TakeOver({ one, from }: { one: Instance; from: number }) {
  const { instances } = useStore(live);
  const [path, setPath] = useState('/root/');
  const { busy, error, act } = useAct();
  if (!instances?.has(from)) return null;
  const copy = (): void => act(async () => {
    const done = await call('PUT /api/v0/commands/copy_direct/', { body: { src_id: from, src_path: path, dst_id: one.id, dst_path: path } });
    toast(done.msg ?? 'The copy has begun.');
  });
  return (
    <Notice>
      <form class="stack tight" onSubmit={(event) => { event.preventDefault(); copy(); }}>
        <p>It takes the place of <a href={`/instances/${from}`}>C.{from}</a>. Copy its files once this one runs; then destroy that one.</p>
        <div class="row"><Field label="What" value={path} required onInput={(event) => setPath(event.currentTarget.value)} />
          <Button kind="primary" type="submit" busy={busy} disabled={one.actual_status !== 'running'}>Copy it from C.{from}</Button></div>
        {error && <p>{error}</p>}
      </form>
    </Notice>
  );
}

export function RescueDialog({ one, onClose }: Props) {
  const [path, setPath] = useState('/root/');
  return (
    <Dialog title={`Rescue the files of instance ${one.id}`} onClose={onClose}>
      <p>Its files can be read without GPUs, and cost nothing beside the disk and the traffic. Nothing of it is started for that.</p>
      <Field label="What" value={path} onInput={(event) => setPath(event.currentTarget.value)} />
      {one.ssh_host !== null && one.ssh_port !== null ? <>
        <Copy text={`scp -P ${one.ssh_port} -r root@${one.ssh_host}:${path} .`} label="Copy to your machine" />
        <Copy text={`rsync -az -e 'ssh -p ${one.ssh_port}' root@${one.ssh_host}:${path} .`} label="Copy what has changed" />
      </> : <Notice kind="warn">Its host does not say where it can be reached. Once it is in contact this shows how.</Notice>}
      <p class="hint">Or to another instance of yours: press Copy on its card.</p>
    </Dialog>
  );
}

export function CloudDialog({ one, onClose }: Props) {
  const list = useLoad(() => call('GET /api/v0/users/cloud_integrations/'));
  const [chosen, setChosen] = useState('');
  const [there, setThere] = useState('bucket/folder');
  const [here, setHere] = useState('/root/');
  const [way, setWay] = useState('Instance To Cloud');
  const { busy, error, act } = useAct();
  const copy = (id: number): void => act(async () => {
    await call('POST /api/v0/commands/rclone/', { body: { instance_id: one.id, selected: String(chosen || id), src: way === 'Instance To Cloud' ? here : there, dst: way === 'Instance To Cloud' ? there : here, transfer: way } });
    onClose();
  });
  return (
    <Dialog title={`Cloud copy of instance ${one.id}`} onClose={onClose}>
      <Loaded from={list} rows={1} height={80}>
        {(connections) => connections.length === 0 ? (
          <div class="stack">
            <p>This market keeps no keys to other people's stores. Copy from inside the instance, where your keys stay yours:</p>
            <Field label="What" value={here} onInput={(event) => setHere(event.currentTarget.value)} />
            <Field label="Where to" value={there} hint="Of a store that rclone knows as “store”: rclone config" onInput={(event) => setThere(event.currentTarget.value)} />
            <Copy text={`rclone copy ${here} store:${there} --progress`} label="To the store" />
            <Copy text={`rclone copy store:${there} ${here} --progress`} label="From the store" />
            <p class="hint">Give the keys as <a href="/settings?tab=variables">variables</a>: they are sealed, and reach your own instances alone.</p>
          </div>
        ) : (
          <form class="stack" onSubmit={(event) => { event.preventDefault(); copy(connections[0]?.id ?? 0); }}>
            <Select label="Store" value={chosen} onChange={setChosen} options={connections.map((store) => [String(store.id), store.name])} />
            <Select label="Which way" value={way} onChange={setWay} options={[['Instance To Cloud', 'To the store'], ['Cloud To Instance', 'From the store']]} />
            <Field label="Here" value={here} required onInput={(event) => setHere(event.currentTarget.value)} />
            <Field label="There" value={there} required onInput={(event) => setThere(event.currentTarget.value)} />
            {error && <Notice kind="bad">{error}</Notice>}
            <Button kind="primary" type="submit" busy={busy}>Copy it</Button>
          </form>
        )}
      </Loaded>
    </Dialog>
  );
}
