// SPDX-License-Identifier: Apache-2.0
/** What a host does to a machine beside pricing it: announce that it will be away, let rentals go on, take it back. */
import { useState } from 'preact/hooks';
import type { Machine } from '#api';
import { call } from '../../lib/api';
import { dayParse, dayText, DAY_S, now } from '../../lib/days';
import { duration, moment, plural } from '../../lib/format';
import { go } from '../../lib/router';
import { useRules } from '../../lib/rules';
import { Area, Button, Card, Dialog, Field, Loaded, Notice, Select, Table, toast, useAct, useLoad } from '../../ui/parts';

const CATEGORIES: [string, string][] = [['power', 'Power'], ['internet', 'Internet'], ['disk', 'Disk'], ['gpu', 'GPU'], ['software', 'Software'], ['other', 'Other']];

function Announce({ one, onClose, onDone }: { one: Machine; onClose: () => void; onDone: () => void }) {
  const [start, setStart] = useState('');
  const [hours, setHours] = useState('2');
  const [kind, setKind] = useState('other');
  const { busy, error, act } = useAct();
  const save = (): void => act(async () => {
    const sdate = new Date(start).getTime() / 1000;
    const { msg } = await call('PUT /api/v0/machines/{id}/dnotify/', { path: { id: one.id }, body: { sdate, duration: Number(hours), maintenance_category: kind } });
    toast(msg);
    onDone();
    onClose();
  });
  return (
    <Dialog title="Announce maintenance" onClose={onClose}>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
        <p>{plural(one.current_rentals_resident, 'rental')} on the machine: their renters are told at once.</p>
        <Field label="Begins" type="datetime-local" required value={start} onInput={(event) => setStart(event.currentTarget.value)} />
        <div class="two">
          <Field label="Lasts for" unit="hours" type="number" min={0.1} step="any" required value={hours} onInput={(event) => setHours(event.currentTarget.value)} />
          <Select label="Because of" value={kind} options={CATEGORIES} onChange={setKind} />
        </div>
        {error && <Notice kind="bad">{error}</Notice>}
        <Button kind="primary" type="submit" busy={busy}>Announce it</Button>
      </form>
    </Dialog>
  );
}

export function Maintenance({ one, onDone }: { one: Machine; onDone: () => void }) {
  const [isOpen, setOpen] = useState(false);
  const list = useLoad(() => call('GET /api/v0/machines/maintenances/', { query: { machine_ids: JSON.stringify([one.id]) } }));
  const { busy, error, act } = useAct();
  const done = (): void => { list.reload(); onDone(); };
  const cancel = (): void => act(async () => {
    const { msg } = await call('PUT /api/v0/machines/{id}/cancel_maint/', { path: { id: one.id }, body: {} });
    toast(msg);
    done();
  });
  return (
    <Card title="Maintenance" actions={<Button onClick={() => setOpen(true)}>Announce maintenance</Button>}>
      <Loaded from={list} rows={1} height={40}>
        {(windows) => windows.length === 0 ? <p class="muted">None is announced. Who has something on it is told at once of any that is, in the instance’s history and by mail.</p> : (
          <div class="stack">
            <Table head={['From', 'Until', 'For', 'Because of']} label="Maintenance">
              {windows.map((one) => <tr key={one.start_time}><th scope="row">{moment(one.start_time)}</th><td>{moment(one.end_time)}</td><td>{duration(one.duration_hours * 3600)}</td><td>{one.maintenance_category}</td></tr>)}
            </Table>
            <div><Button busy={busy} onClick={cancel}>Take them back</Button></div>
          </div>
        )}
      </Loaded>
      {error && <Notice kind="bad">{error}</Notice>}
      {isOpen && <Announce one={one} onClose={() => setOpen(false)} onDone={done} />}
    </Card>
  );
}

export function Extend({ one, onDone }: { one: Machine; onDone: () => void }) {
  const [until, setUntil] = useState('');
  const { busy, error, act } = useAct();
  const save = (): void => act(async () => {
    const { msg } = await call('PUT /api/v0/machines/{id}/extend/', { path: { id: one.id }, body: { end_date: (dayParse(until) ?? 0) * DAY_S } });
    toast(msg);
    onDone();
  });
  return (
    <Card title="Let rentals go on for longer">
      <form class="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
        <p class="muted">{one.client_end_date === null ? 'Nothing is rented on it.' : `The last rental ends ${moment(one.client_end_date)}. All of them get the new end, at the price that they have.`}</p>
        <div class="strip">
          <Field label="Until" type="date" min={dayText(Math.ceil(now() / DAY_S))} required value={until} onInput={(event) => setUntil(event.currentTarget.value)} />
          <Button type="submit" busy={busy}>Extend them</Button>
        </div>
        {error && <Notice kind="bad">{error}</Notice>}
      </form>
    </Card>
  );
}

type Act = 'unlist' | 'reclaim' | 'cleanup' | 'delete';

function Sure({ one, what, onClose, onDone }: { one: Machine; what: Act; onClose: () => void; onDone: () => void }) {
  const [reason, setReason] = useState('');
  const rules = useRules();
  const { busy, error, act } = useAct();
  const path = { id: one.id };
  const rentals = plural(one.current_rentals_resident, 'rental');
  const deeds = {
    unlist: { title: `Unlist machine ${one.id}?`, yes: 'Unlist it', run: () => call('DELETE /api/v0/machines/{id}/asks/', { path }),
      text: `Nobody can rent it any more. The ${rentals} on it go on as they are, at their prices, until their ends.` },
    reclaim: { title: `Take machine ${one.id} back?`, yes: 'Take it back', run: () => call('PUT /api/v0/machines/{id}/reclaim/', { path, body: { reason } }),
      text: `It is off the market now, and the ${rentals} on it end: those on demand after ${rules?.reclaim_hours ?? '…'} hours of notice. Their renters are told why.` },
    cleanup: { title: 'Delete what is over?', yes: 'Delete it', run: () => call('PUT /api/v0/machines/{id}/cleanup/', { path }),
      text: 'Instances whose lifetime is over, and the time that their data is kept for, are deleted from its disk for good.' },
    delete: { title: `Remove machine ${one.id} for good?`, yes: 'Remove it', run: () => call('POST /api/v0/machines/{id}/force_delete/', { path }),
      text: 'It is off the market for good. What it has earned stays yours. To join again it gets another number, and begins anew.' },
  }[what];
  const done = (): void => act(async () => {
    const { msg } = await deeds.run();
    toast(msg);
    onDone();
    onClose();
    if (what === 'delete') go('/machines');
  });
  return (
    <Dialog title={deeds.title} onClose={onClose}>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); done(); }}>
        <p>{deeds.text}</p>
        {what === 'reclaim' && <Area label="What its renters are told" value={reason} rows={2} required onInput={setReason} />}
        {error && <Notice kind="bad">{error}</Notice>}
        <div class="row"><Button kind="danger" type="submit" busy={busy}>{deeds.yes}</Button><Button onClick={onClose}>Leave it as it is</Button></div>
      </form>
    </Dialog>
  );
}

export function Ends({ one, onDone }: { one: Machine; onDone: () => void }) {
  const [what, setWhat] = useState<Act | null>(null);
  return (
    <Card title="Take it away">
      <div class="row">
        <Button disabled={!one.listed} onClick={() => setWhat('unlist')}>Unlist</Button>
        <Button onClick={() => setWhat('cleanup')}>Delete what is over</Button>
        <Button kind="danger" onClick={() => setWhat('reclaim')}>Take it back</Button>
        <Button kind="danger" disabled={one.current_rentals_resident > 0} onClick={() => setWhat('delete')}>Remove it</Button>
      </div>
      {what && <Sure one={one} what={what} onClose={() => setWhat(null)} onDone={onDone} />}
    </Card>
  );
}
