// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from 'preact/hooks';
import type { Instance } from '#api';
import { call } from '../lib/api';
import { day, duration, gb, moment, money, number, percent, perTb, plural, rate } from '../lib/format';
import { live, readSoon } from '../lib/live';
import { setQuery, usePlace } from '../lib/router';
import { useStore } from '../lib/store';
import { Icon } from '../ui/icons';
import { Button, Chip, Dialog, Empty, Field, Loaded, Notice, Page, Segments, Select, Skeleton, toast, useAct, useLoad } from '../ui/parts';
import { Near } from '../ui/near';
import { Sparkline } from './instances/charts';
import { MachineFacts, RentalFacts } from './instances/facts';
import { MoreActions } from './instances/more';
import { MoveNotice } from './instances/move';
import { DepositLine, Refund } from './instances/reserve';
import { RuleChips } from './rules';
import { nameOf, PriceTable } from './search/offer';

type Kind = 'good' | 'busy' | 'warn' | 'bad' | 'plain';

/** What an instance is doing, in a word, and how that looks. */
export function stateOf(one: Instance): { word: string; kind: Kind } {
  const status = one.actual_status;
  if (status === 'offline') return { word: 'Offline', kind: 'bad' };
  if (one.intended_status === 'running' && one.cur_state === 'stopped') return { word: 'Scheduling', kind: 'busy' };
  if (one.intended_status !== 'running') return { word: status === 'running' ? 'Stopping' : 'Stopped', kind: 'plain' };
  if (status === 'running') return { word: 'Running', kind: 'good' };
  if (status === 'exited') return { word: 'Exited', kind: 'warn' };
  if (status === 'loading' || status === 'rebooting') return { word: status === 'loading' ? 'Loading' : 'Rebooting', kind: 'busy' };
  return { word: 'Creating', kind: 'busy' };
}

export const isOn = (one: Instance): boolean => one.intended_status === 'running';

function Meter({ name, part, text }: { name: string; part: number | null; text: string }) {
  return (
    <div>
      <span class="muted">{name}</span> {text}
      {part !== null && <div class={part > 0.92 ? 'bar hot' : 'bar'} aria-hidden="true"><i style={{ width: `${Math.min(100, part * 100)}%` }} /></div>}
    </div>
  );
}

export function Meters({ one }: { one: Instance }) {
  const memory = one.mem_usage !== null && one.mem_limit ? one.mem_usage / one.mem_limit : null;
  const used = one.disk_usage >= 0 ? one.disk_usage / one.disk_space : null;
  return (
    <div class="meters">
      <Meter name="GPU" part={one.gpu_util === null ? null : one.gpu_util / 100}
        text={one.gpu_util === null ? '–' : `${number(one.gpu_util)} %${one.gpu_temp === null ? '' : ` · ${number(one.gpu_temp)} °C`}`} />
      <Meter name="GPU memory" part={one.vmem_usage !== null && one.gpu_totalram ? (one.vmem_usage * 1024) / one.gpu_totalram : null}
        text={one.vmem_usage === null ? gb(one.gpu_totalram) : `${number(one.vmem_usage, 1)} of ${gb(one.gpu_totalram)}`} />
      <Meter name="CPU" part={one.cpu_util} text={one.cpu_util === null ? '–' : percent(one.cpu_util)} />
      <Meter name="RAM" part={memory} text={`${number(one.mem_usage, 1)} of ${number(one.mem_limit, 1)} GB`} />
      <Meter name="Disk" part={used} text={one.disk_usage < 0 ? `${number(one.disk_space)} GB` : `${number(one.disk_usage, 1)} of ${number(one.disk_space)} GB`} />
    </div>
  );
}

/** For a bid that waits: to what runs now, with one press. */
function Raise({ one }: { one: Instance }) {
  const gpus = Math.max(1, one.num_gpus);
  const { busy, error, act } = useAct();
  if (!one.is_bid || !isOn(one) || one.cur_state !== 'stopped' || !(one.min_bid > one.dph_base)) return null;
  if (one.stop_reason === 'outranked_by_on_demand') return null; // no bid comes before that
  const raise = (): void => act(async () => {
    const done = await call('PUT /api/v0/instances/bid_price/{id}/', { path: { id: one.id }, body: { price: Number(one.min_bid.toFixed(3)) } });
    toast(done.msg ?? `The bid is ${rate(done.price)}.`);
  });
  return <>{error && <span>{error}</span>}<Button icon="up" busy={busy} onClick={raise}>Raise to {rate(one.min_bid / gpus)} a GPU</Button></>;
}

/** Why it does not run, and what may be done about it. */
export function Reason({ one }: { one: Instance }) {
  const { kind } = stateOf(one);
  const place = one.queue_position ? ` It is number ${one.queue_position} of ${one.queue_length} in line.` : '';
  const end = one.queue_free_by ? ` GPUs are free within ${duration(one.queue_free_by - Date.now() / 1000)} at the latest.` : '';
  const text = one.stop_message || one.status_msg;

  if (kind === 'good' || !text) return null;
  return <Notice kind={kind === 'bad' || kind === 'warn' ? 'warn' : 'info'} action={<Raise one={one} />}>{text}{place}{end}</Notice>;
}

function Ask({ title, children, yes, onYes, onClose }: {
  title: string; children: preact.ComponentChildren; yes: string; onYes: () => Promise<void>; onClose: () => void;
}) {
  const { busy, error, act } = useAct();
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="row">
        <Button kind="danger" busy={busy} onClick={() => act(onYes)}>{yes}</Button>
        <Button onClick={onClose}>Leave it as it is</Button>
      </div>
    </Dialog>
  );
}

/** How likely it is that somebody takes them: as many as are rented of its model. */
function Chance({ one }: { one: Instance }) {
  const market = useLoad(() => call('GET /api/v0/metrics/gpu/current/'));
  const found = market.data?.gpus.find((gpu) => gpu.gpu_name === one.gpu_name);
  return found ? <> Of all {found.gpu_name} in the market {number(found.usage)} % are rented now, and {number(found.available)} are free.</> : null;
}

function StopDialog({ one, onClose }: { one: Instance; onClose: () => void }) {
  const stop = async (): Promise<void> => {
    await call('PUT /api/v0/instances/{id}/', { path: { id: one.id }, body: { state: 'stopped' } });
    onClose();
  };
  return (
    <Ask title={`Stop instance ${one.id}?`} yes="Stop it" onYes={stop} onClose={onClose}>
      <p>What runs in it is ended; its files are kept. Its GPUs may go to somebody else meanwhile, so starting it again may take waiting.<Chance one={one} /></p>
      <p><strong>Its disk goes on costing {day(one.storage_total_cost)}</strong> until you destroy it.</p>
    </Ask>
  );
}

function DestroyDialog({ one, onClose }: { one: Instance; onClose: () => void }) {
  const destroy = async (): Promise<void> => {
    await call('DELETE /api/v0/instances/{id}/', { path: { id: one.id } });
    toast(`Instance ${one.id} is destroyed. It costs nothing any more.`);
    onClose();
  };
  const used = one.disk_usage >= 0 ? `${number(one.disk_usage, 1)} GB of files` : `all files on its ${number(one.disk_space)} GB disk`;
  return (
    <Ask title={`Destroy instance ${one.id}?`} yes="Destroy it and its files" onYes={destroy} onClose={onClose}>
      <p>This cannot be undone. <strong>{used}</strong> on machine {one.machine_id} are deleted for good.</p>
      <Refund one={one} />
      <p>To keep them, stop it instead: that costs {day(one.storage_total_cost)} for the disk.</p>
    </Ask>
  );
}

const HISTORY_MAX = 8;

function BidDialog({ one, onClose }: { one: Instance; onClose: () => void }) {
  const gpus = Math.max(1, one.num_gpus);
  const [bid, setBid] = useState((Math.max(one.dph_base, one.min_bid) / gpus).toFixed(3));
  const past = useLoad(() => call('GET /api/v0/instances/{id}/why/', { path: { id: one.id } }));
  const { busy, error, act } = useAct();
  const save = (): void => act(async () => {
    const done = await call('PUT /api/v0/instances/bid_price/{id}/', { path: { id: one.id }, body: { price: Number((Number(bid) * gpus).toFixed(3)) } });
    toast(done.msg ?? `The bid is ${rate(done.price)}.`);
    onClose();
  });
  return (
    <Dialog title={`Change the bid of instance ${one.id}`} onClose={onClose}>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
        <p>It bids {rate(one.dph_base / gpus)} a GPU. {one.stop_reason === 'outranked_by_on_demand' && isOn(one)
          ? `Its GPUs are rented on demand, which no bid comes before: once they are free, ${rate(one.min_bid / gpus)} a GPU runs.` : `${rate(one.min_bid / gpus)} a GPU runs now.`}</p>
        <Field label="Bid, a GPU" unit="$/h" type="number" min={0.001} step={0.001} value={bid} required
          hint={`${rate(Number(bid) * gpus)} for all ${plural(gpus, 'GPU')}.`} onInput={(event) => setBid(event.currentTarget.value)} />
        {error && <Notice kind="bad">{error}</Notice>}
        <Button kind="primary" type="submit" busy={busy}>Change the bid</Button>
      </form>
      <h3>What became of it</h3>
      <Loaded from={past} rows={1} height={40}>
        {({ events }) => <ol class="events" aria-label="History of the bid">{events.slice(0, HISTORY_MAX).map((event) => <li key={`${event.at} ${event.event}`}><span class="muted">{moment(event.at)}</span><span>{event.msg}</span></li>)}</ol>}
      </Loaded>
    </Dialog>
  );
}

export function Actions({ one }: { one: Instance }) {
  const [shown, setShown] = useState<'stop' | 'destroy' | 'bid' | null>(null);
  const { busy, error, act } = useAct();
  const close = (): void => setShown(null);
  const start = (): void => act(async () => {
    const done = await call('PUT /api/v0/instances/{id}/', { path: { id: one.id }, body: { state: 'running' } });
    toast(done.msg ?? 'It starts.');
  });
  const reboot = (): void => act(async () => {
    await call('PUT /api/v0/instances/reboot/{id}/', { path: { id: one.id } });
    toast('It reboots; its disk and GPUs stay.');
  });
  return (
    <>
      <div class="row">
        {stateOf(one).kind === 'good' ? <a class="button primary" href={`/instances/${one.id}?tab=connect`}>Connect</a> : <Button kind="primary" disabled>{isOn(one) ? stateOf(one).word : 'Inactive'}</Button>}
        {isOn(one) ? <Button icon="stop" onClick={() => setShown('stop')}>Stop</Button> : <Button icon="play" busy={busy} onClick={start}>Start</Button>}
        {isOn(one) && <Button icon="reboot" busy={busy} onClick={reboot}>Reboot</Button>}
        {one.is_bid && <Button icon="up" onClick={() => setShown('bid')}>Change bid</Button>}
        <Button kind="danger" icon="trash" onClick={() => setShown('destroy')}>Destroy</Button>
        <MoreActions one={one} />
      </div>
      {error && <Notice kind="bad">{error}</Notice>}
      {shown === 'stop' && <StopDialog one={one} onClose={close} />}
      {shown === 'destroy' && <DestroyDialog one={one} onClose={close} />}
      {shown === 'bid' && <BidDialog one={one} onClose={close} />}
    </>
  );
}

/** What it costs now, and by a press, what that is made of. */
export function Cost({ one }: { one: Instance }) {
  const [isOpen, setOpen] = useState(false);
  const now = isOn(one) ? one.dph_total : one.storage_total_cost;
  return (
    <div class="cost">
      <button class="price" aria-label={`${rate(now)}: what instance ${one.id} costs`}
        title={`GPUs ${rate(one.dph_base)} while it runs · disk ${rate(one.storage_total_cost)} · traffic ${money(perTb(one.inet_up_cost))} per TB up, ${money(perTb(one.inet_down_cost))} down`} onClick={() => setOpen(true)}><strong>{rate(now)}</strong></button>
      <div class="muted small">{isOn(one) ? `${money(one.charged ?? 0, 3)} so far` : `stopped: ${day(one.storage_total_cost)} for the disk`}</div>
      {isOpen && (
        <Dialog title={`What instance ${one.id} costs`} onClose={() => setOpen(false)}>
          <PriceTable up={perTb(one.inet_up_cost)} down={perTb(one.inet_down_cost)} rows={[['GPUs, while it runs', one.dph_base], [`Disk, ${number(one.disk_space)} GB`, one.storage_total_cost]]} />
        </Dialog>
      )}
    </div>
  );
}

export const Head = ({ one }: { one: Instance }) => {
  const { word, kind } = stateOf(one);
  return (
    <div class="row head-chips">
      <Chip kind={kind}>{word}</Chip>
      {one.is_bid && <Chip>interruptible</Chip>}
      {one.credit_discount ? <Chip kind="good">Saved {percent(one.credit_discount)}</Chip> : <Chip title="Nothing was paid ahead for it">No savings</Chip>}
      {one.verification === 'verified' && <Chip kind="good">verified</Chip>}
      {one.simulated && <Chip kind="warn">simulated</Chip>}
      <RuleChips one={one} />
    </div>
  );
};

/** In a line what it does, and opened, all that is known of it. */
function Status({ one, isOpen, onToggle }: { one: Instance; isOpen: boolean; onToggle: () => void }) {
  const gpu = one.gpu_util === null ? '–' : `${number(one.gpu_util)} %`;
  return (
    <>
      <button class="status" aria-expanded={isOpen} onClick={onToggle} aria-label={`All of instance ${one.id}`}>
        <span>GPU: {gpu}{one.gpu_temp !== null && ` ${number(one.gpu_temp)} °C`}, CPU: {one.cpu_util === null ? '–' : percent(one.cpu_util)}. {one.status_msg?.replace(/\.$/, '') || `It is ${one.actual_status ?? 'not known yet'}`}, <code>{one.image_uuid}/{one.image_runtype.split(' ')[0]}</code></span>
        <Icon name="chevron" />
      </button>
      {isOpen && <div class="stack"><MachineFacts one={one} /><RentalFacts one={one} /></div>}
    </>
  );
}

function InstanceCard({ one, isOpen }: { one: Instance; isOpen: boolean }) {
  const [isOwn, setOwn] = useState<boolean | null>(null);
  useEffect(() => setOwn(null), [isOpen]);
  return (
    <article class="instance" aria-label={`Instance ${one.id}`}>
      <header>
        <div>
          <h2><a href={`/instances/${one.id}`}>{one.label || nameOf(one)}</a></h2>
          <p class="muted small">C.{one.id} · {one.label ? `${nameOf(one)} · ` : ''}{gb(one.gpu_ram)} · m:{one.machine_id} · {one.geolocation ?? 'place unknown'} · <code>{one.image_uuid}</code></p>
        </div>
        <Head one={one} />
        <Cost one={one} />
      </header>
      <Reason one={one} />
      <MoveNotice one={one} />
      <p class="row small muted">
        {one.public_ipaddr && <a href={`/instances/${one.id}?tab=connect`} aria-label={`Address and ports of instance ${one.id}`}>{one.public_ipaddr}</a>}
        {one.start_date !== null && <span title="Since it was made">{duration(Date.now() / 1000 - one.start_date)} old</span>}
        <span title="Lifetime">{one.end_date === null ? 'no end' : `${duration(one.end_date - Date.now() / 1000)} left`}</span>
        <DepositLine one={one} />
        <Sparkline one={one} />
      </p>
      {isOn(one) && <Meters one={one} />}
      <Actions one={one} />
      <Status one={one} isOpen={isOwn ?? isOpen} onToggle={() => setOwn(!(isOwn ?? isOpen))} />
    </article>
  );
}

/** Drawn at once; and about as high as a card is. */
const FIRST = 6;
const CARD_PX = 270;

const SORTS: [string, string][] = [['', 'Newest first'], ['cost', 'Dearest first'], ['age', 'Oldest first'], ['label', 'By label']];

function sorted(list: Instance[], how: string): Instance[] {
  if (how === 'cost') return list.sort((a, b) => b.dph_total - a.dph_total);
  if (how === 'age') return list.sort((a, b) => a.id - b.id);
  if (how === 'label') return list.sort((a, b) => (a.label ?? '').localeCompare(b.label ?? ''));
  return list.sort((a, b) => b.id - a.id);
}

const WORDS = ['Running', 'Scheduling', 'Creating', 'Loading', 'Rebooting', 'Exited', 'Offline', 'Stopping', 'Stopped'];

/** By model, state, label and order. */
function Choices({ all }: { all: Instance[] }) {
  const { query } = usePlace();
  const models = [...new Set(all.map((one) => one.gpu_name ?? 'CPU'))].sort();
  const labels = [...new Set(all.map((one) => one.label ?? ''))].sort();
  const count = (label: string): number => all.filter((one) => (one.label ?? '') === label).length;
  const isOpen = query.get('open') === '1';
  if (all.length === 0) return null;
  return (
    <div class="strip">
      <Select label="GPUs" hideLabel value={query.get('gpu') ?? ''} options={[['', 'All GPUs'], ...models.map((name): [string, string] => [name, name])]} onChange={(gpu) => setQuery({ gpu })} />
      <Select label="Label" hideLabel value={query.get('label') ?? '*'} onChange={(label) => setQuery({ label: label === '*' ? null : label || '-' })}
        options={[['*', `All (${all.length})`], ...labels.map((label): [string, string] => [label || '-', `${label || 'Unlabeled'} (${count(label)})`])]} />
      <Select label="Status" hideLabel value={query.get('status') ?? ''} options={[['', 'All statuses'], ...WORDS.map((word): [string, string] => [word, word])]} onChange={(status) => setQuery({ status })} />
      <Select label="Order" hideLabel value={query.get('sort') ?? ''} options={SORTS} onChange={(sort) => setQuery({ sort })} />
      <Button kind="quiet" icon="reboot" aria-label="Read again" title="Read again" onClick={readSoon} />
      <Button kind="quiet" icon="chevron" aria-pressed={isOpen} onClick={() => setQuery({ open: isOpen ? null : '1' })}>{isOpen ? 'Collapse All' : 'Expand All'}</Button>
    </div>
  );
}

export function InstancesPage(_: { id: number }) {
  const { instances, burnHour } = useStore(live);
  const { query } = usePlace();
  const shown = query.get('state') ?? '';
  const gpu = query.get('gpu');
  const label = query.get('label');
  const status = query.get('status');
  const all = instances ? sorted([...instances.values()], query.get('sort') ?? '') : null;
  const list = all?.filter((one) => (shown === '' || (shown === 'on') === isOn(one)) && (!gpu || (one.gpu_name ?? 'CPU') === gpu) && (!status || stateOf(one).word === status) && (!label || (one.label || '-') === label));

  return (
    <Page title={all ? `Instances (${all.length})` : 'Instances'} lead={burnHour ? `They cost ${rate(burnHour)} now, ${day(burnHour)}.` : 'What you rent, live.'}
      actions={<Segments label="Which" value={shown} options={[['', `All ${all?.length ?? ''}`], ['on', 'Active'], ['off', 'Stopped']]}
        onChange={(state) => setQuery({ state })} />}>
      {all && <Choices all={all} />}
      {!list && <Skeleton rows={3} height={150} />}
      {list?.length === 0 && (
        <Empty icon="servers" title={all?.length ? 'None of them' : 'You rent nothing yet'}>
          <p>Find a machine, press Rent, and it is here a few seconds later, with the command to log in.</p>
          <a class="button primary" href="/">Find GPUs</a>
        </Empty>
      )}
      <div class="stack">{list?.map((one, i) => <Near key={one.id} isFirst={i < FIRST} height={CARD_PX} draw={() => <InstanceCard one={one} isOpen={query.get('open') === '1'} />} />)}</div>
    </Page>
  );
}
