// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import type { Offer } from '#api';
import { call } from '../../lib/api';
import { day, money, MONTH_HOURS, number, percent } from '../../lib/format';
import { Button, Dialog, Empty, Field, Loaded, Notice, Table, toast, useAct, useLoad } from '../../ui/parts';

const OFFERS_MAX = 40;
const DEFAULT_GB = 15;

const hourOf = (one: Offer, gb: number): number => (one.storage_cost * gb) / MONTH_HOURS;

function Choices({ offers, chosen, gb, onChoose }: { offers: Offer[]; chosen: number | null; gb: number; onChoose: (id: number) => void }) {
  return (
    <Table label="Space that hosts offer" head={['', 'Where', 'Left', 'Disk', 'Reliability', `${number(gb)} GB cost`]}>
      {offers.map((one) => (
        <tr key={one.id}>
          <td><input type="radio" name="space" checked={one.id === chosen} aria-label={`Space on machine ${one.machine_id}`} onChange={() => onChoose(one.id)} /></td>
          <th scope="row">m:{one.machine_id}<div class="muted small">{one.geolocation ?? 'place unknown'}</div></th>
          <td>{number(one.disk_space)} GB</td>
          <td>{one.disk_bw ? `${number(one.disk_bw)} MB/s` : 'not measured'}</td>
          <td>{percent(one.reliability, 2)}</td>
          <td>{day(hourOf(one, gb))}<div class="muted small">{money(one.storage_cost)}/GB/month</div></td>
        </tr>
      ))}
    </Table>
  );
}

export function MakeVolume({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [size, setSize] = useState(String(DEFAULT_GB));
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<number | null>(null);
  const gb = Math.max(1, Math.ceil(Number(size)) || 1);
  const found = useLoad(() => call('POST /api/v0/volumes/search/', { body: { disk_space: { gte: gb }, order: [['storage_cost', 'asc']], limit: OFFERS_MAX } }), [gb]);
  const { busy, error, act } = useAct();
  const make = (): void => act(async () => {
    const done = await call('PUT /api/v0/volumes/', { body: { id: chosen ?? 0, size: gb, name: name || null } });
    toast(done.msg);
    onDone();
  });
  return (
    <Dialog title="Make a volume" onClose={onClose} wide>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); make(); }}>
        <div class="two">
          <Field label="Volume Size" unit="GB" type="number" min={1} step={1} required value={size} onInput={(event) => setSize(event.currentTarget.value)} />
          <Field label="Name" value={name} maxLength={1024} placeholder="datasets" onInput={(event) => setName(event.currentTarget.value)} />
        </div>
        <Loaded from={found} rows={2} height={52}>
          {({ offers }) => offers.length === 0
            ? <Empty icon="disk" title="No host offers so much space now"><p>Ask for less, or come back later.</p></Empty>
            : <Choices offers={offers} chosen={chosen} gb={gb} onChoose={setChosen} />}
        </Loaded>
        <p class="hint">It is charged from now on, whether or not an instance mounts it, until you delete it. It can be mounted on its machine alone.</p>
        {error && <Notice kind="bad">{error}</Notice>}
        <Button kind="primary" type="submit" busy={busy} disabled={chosen === null}>Make the volume</Button>
      </form>
    </Dialog>
  );
}
