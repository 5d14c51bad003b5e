// SPDX-License-Identifier: Apache-2.0
/** Space on machines that outlives the instances that mount it. */
import { useState } from 'preact/hooks';
import type { Volume } from '#api';
import { call } from '../lib/api';
import { day, duration, money, moment, MONTH_HOURS, network, number, percent } from '../lib/format';
import { setQuery, usePlace } from '../lib/router';
import { useEvery } from '../ui/every';
import { Button, Card, Chip, Dialog, Empty, Facts, Field, Loaded, Notice, Page, Table, toast, useAct, useLoad } from '../ui/parts';
import { MakeVolume } from './volumes/make';

export const volumeName = (one: Pick<Volume, 'id' | 'label'>): string => one.label || `V.${one.id}`;

/** A search for what can mount it. */
const rentLink = (one: Volume): string => `/?machine=${one.machine_id}&volume=${one.id}&unverified=1`;

function Delete({ one, onClose, onDone }: { one: Volume; onClose: () => void; onDone: () => void }) {
  const { busy, error, act } = useAct();
  const remove = (): void => act(async () => {
    await call('DELETE /api/v0/volumes/', { body: { id: one.id } });
    toast(`Volume ${one.id} is deleted. It costs nothing any more.`);
    onDone();
  });
  return (
    <Dialog title={`Delete ${volumeName(one)}?`} onClose={onClose}>
      <p>This cannot be undone. <strong>All that is on its {number(one.disk_space)} GB</strong> on machine {one.machine_id} is deleted for good.</p>
      <p>To keep it costs {day(one.storage_total_cost)}.</p>
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="row"><Button kind="danger" busy={busy} onClick={remove}>Delete it and its data</Button><Button onClick={onClose}>Leave it as it is</Button></div>
    </Dialog>
  );
}

/** Another volume with what this one has, on the same machine: its host copies it. */
function Clone({ one, onClose, onDone }: { one: Volume; onClose: () => void; onDone: () => void }) {
  const found = useLoad(async () => (await call('POST /api/v0/volumes/search/', { body: { machine_id: { eq: one.machine_id }, disk_space: { gte: one.disk_space } } })).offers[0] ?? null);
  const [size, setSize] = useState(String(Math.ceil(one.disk_space)));
  const { busy, error, act } = useAct();
  const clone = (): void => act(async () => {
    const { msg } = await call('POST /api/v0/volumes/copy/', { body: { src_id: one.id, dst_id: found.data?.id ?? 0, size: Number(size) } });
    toast(msg);
    onDone();
  });
  return (
    <Dialog title={`Clone ${volumeName(one)}`} onClose={onClose}>
      <Loaded from={found} rows={1} height={60}>
        {() => {
          const offer = found.data;
          return offer === null ? <p>Its machine offers no space for another one of {number(one.disk_space)} GB now.</p> : (
            <form class="stack" onSubmit={(event) => { event.preventDefault(); clone(); }}>
              <Field label="Volume Size" unit="GB" type="number" min={Math.ceil(one.disk_space)} max={Math.floor(offer.disk_space)} step={1} required value={size} onInput={(event) => setSize(event.currentTarget.value)} />
              <p>It costs {day((offer.storage_cost * (Number(size) || 0)) / MONTH_HOURS)} from now on. Once it is copied it can be mounted; this one stays as it is.</p>
              {error && <Notice kind="bad">{error}</Notice>}
              <Button kind="primary" type="submit" busy={busy}>Clone it</Button>
            </form>
          );
        }}
      </Loaded>
    </Dialog>
  );
}

function Information({ one, onDelete, onClone }: { one: Volume; onDelete: () => void; onClone: () => void }) {
  return (
    <Card title="Volume Information" actions={<Chip kind={one.status === 'active' ? 'good' : one.status === 'copying' ? 'busy' : 'bad'}>{one.status}</Chip>}>
      <div class="stack">
        <Facts rows={[['Volume', `V.${one.id}`], ['Name', one.label ?? '–'], ['Size', `${number(one.disk_space)} GB`], ['Price', `${money(one.storage_cost)}/GB/month`],
          ['It costs', day(one.storage_total_cost)], ['Since', moment(one.start_date)], ['Promised until', one.end_date === null ? 'no end' : `${moment(one.end_date)} (${duration(one.end_date - Date.now() / 1000)})`],
          ['Machine', `m:${one.machine_id}`], ['Host', String(one.host_id)], ['Place', one.geolocation ?? '–'], ['Address', one.public_ipaddr ?? '–'],
          ['Disk', one.disk_name ?? '–'], ['Disk speed', one.disk_bw ? `${number(one.disk_bw)} MB/s` : 'not measured'], ['Network', network(one.inet_down, one.inet_up)],
          ['Reliability', percent(one.reliability2, 2)], ['Machine is', one.verification]]} />
        <p>{one.instances.length === 0 ? 'No instance mounts it now.' : <>Mounted by {one.instances.map((id, i) => <>{i > 0 && ', '}<a href={`/instances/${id}`}>C.{id}</a></>)}.</>}</p>
        <div class="row">
          <a class="button primary" href={rentLink(one)}>Rent instance using this volume</a>
          <Button icon="copy" onClick={onClone}>Clone</Button>
          <Button kind="danger" icon="trash" disabled={one.instances.length > 0} onClick={onDelete}>Delete</Button>
        </div>
        {one.instances.length > 0 && <p class="hint">It can be deleted once no instance mounts it.</p>}
      </div>
    </Card>
  );
}

function Row({ one, isShown }: { one: Volume; isShown: boolean }) {
  return (
    <tr aria-current={isShown ? 'true' : undefined}>
      <th scope="row"><button class="open" onClick={() => setQuery({ id: String(one.id) })}>{volumeName(one)}</button><div class="muted small">V.{one.id} · m:{one.machine_id}</div></th>
      <td>{number(one.disk_space)} GB</td>
      <td>{one.instances.length === 0 ? <span class="muted">nothing</span> : one.instances.map((id) => `C.${id}`).join(', ')}</td>
      <td><Chip kind={one.status === 'active' ? 'good' : one.status === 'copying' ? 'busy' : 'bad'}>{one.status}</Chip></td>
      <td class="num">{day(one.storage_total_cost)}</td>
    </tr>
  );
}

export function VolumesPage(_: { id: number }) {
  const { query } = usePlace();
  const list = useEvery(() => call('GET /api/v0/volumes/'));
  const [isMaking, setMaking] = useState(query.get('make') === '1');
  const [gone, setGone] = useState<Volume | null>(null);
  const [cloned, setCloned] = useState<Volume | null>(null);
  const volumes = list.data?.volumes ?? [];
  const shown = volumes.find((one) => String(one.id) === query.get('id')) ?? volumes[0];
  const done = (): void => { setGone(null); setCloned(null); setMaking(false); list.reload(); };
  return (
    <Page title="Volumes" lead="Space on a machine that stays when instances go, and is mounted by those after them."
      actions={<Button kind="primary" onClick={() => setMaking(true)}>Make a volume</Button>}>
      <Loaded from={list} rows={2} height={60}>
        {() => volumes.length === 0 ? (
          <Empty icon="disk" title="You have no volumes">
            <p>What an instance has on its own disk goes when it is destroyed. What is on a volume stays, for the next instance on the same machine.</p>
            <Button kind="primary" onClick={() => setMaking(true)}>See where space is offered</Button>
          </Empty>
        ) : (
          <div class="beside">
            <Table label="Volumes" head={['Volume', 'Size', 'Mounted by', 'State', 'Costs']}>
              {volumes.map((one) => <Row key={one.id} one={one} isShown={one === shown} />)}
            </Table>
            {shown && <Information one={shown} onDelete={() => setGone(shown)} onClone={() => setCloned(shown)} />}
          </div>
        )}
      </Loaded>
      {isMaking && <MakeVolume onClose={() => setMaking(false)} onDone={done} />}
      {cloned && <Clone one={cloned} onClose={() => setCloned(null)} onDone={done} />}
      {gone && <Delete one={gone} onClose={() => setGone(null)} onDone={done} />}
    </Page>
  );
}
