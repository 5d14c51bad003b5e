// SPDX-License-Identifier: Apache-2.0
/** An instance's files elsewhere: to another machine, or home while it has no GPUs. */
import { useState } from 'preact/hooks';
import type { Instance, Offer } from '#api';
import { call } from '../../lib/api';
import { day, duration, money, number, perTb, rate } from '../../lib/format';
import { live } from '../../lib/live';
import { forgetMove, goOn, moves, offersFor, STEPS, whyNot, type Move, type Step } from '../../lib/moving';
import { useStore } from '../../lib/store';
import { Icon } from '../../ui/icons';
import { Button, Check, Copy, Dialog, Facts, Field, Loaded, Notice, Select, toast, useAct, useLoad } from '../../ui/parts';
import { nameOf } from '../search/offer';

type Props = { one: Instance; onClose: () => void };

/** A search for others, which are rented with what this one runs. */
function moveLink(one: Instance): string {
  const query = new URLSearchParams({ from: String(one.id), disk: String(Math.ceil(one.disk_space)), gpus: String(Math.min(9, one.num_gpus)) });
  if (one.gpu_name) query.set('gpu', one.gpu_name);
  if (one.is_bid) query.set('type', 'bid');
  if (one.verification !== 'verified') query.set('unverified', '1');
  return `/?${query}`;
}

const SHARE_OF_LINE = 2; // a copy is taken for half as fast as the slower line: it is encrypted

/** So long its files take over the slower of both lines; null where nobody has measured that. */
function copySeconds(one: Instance, offer: Offer): number | null {
  const slower = Math.min(one.inet_up || Infinity, offer.inet_down || Infinity);
  return one.disk_usage >= 0 && slower < Infinity ? (one.disk_usage * 8000 * SHARE_OF_LINE) / slower : null;
}

const WORDS: Record<Step, string> = { stop: 'It is stopped, so that its files stand still', rent: 'The same is rented on the other machine', start: 'That runs, for the files to come to',
  keys: 'Its own keys open that', copy: 'All its files are there', restart: 'That runs with them', destroy: 'The old one is destroyed', done: '' };

/** How far a move is, and how to go on with one that was cut short. */
export function MoveProgress({ move }: { move: Move }) {
  const at = STEPS.indexOf(move.step);
  const word = (step: Step): string => (step === 'destroy' && move.keeps ? 'The old one is kept, stopped, and paid for' : WORDS[step]);
  return (
    <div class="stack">
      <ol class="steps" aria-label={`Move of instance ${move.from}`}>
        {STEPS.filter((step) => step !== 'done').map((step, i) => (
          <li key={step} class={i < at ? 'done' : i === at ? undefined : 'unknown'}><Icon name={i < at ? 'check' : i === at ? 'clock' : 'chevron'} />
            <span><b>{word(step)}</b>{i === at && move.said && <span class="muted"> {move.said}</span>}</span></li>
        ))}
      </ol>
      {move.step === 'done' ? <Notice kind="good" action={<Button onClick={() => forgetMove(move.from)}>Close</Button>}>It has gone to <a href={`/instances/${move.to}`}>C.{move.to}</a>.</Notice>
        : move.isOn ? <p class="hint">Leave this page open: your browser goes on with it. Closed, it stands still, and this button goes on later.</p>
          : <Notice kind="warn" action={<><Button kind="primary" onClick={() => void goOn(move)}>Go on</Button><Button onClick={() => forgetMove(move.from)}>Leave it</Button></>}>
            It stands still{move.to !== null && <>; <a href={`/instances/${move.to}`}>C.{move.to}</a> is rented as well</>}. The old one is as it was.</Notice>}
    </div>
  );
}

/** On the cards of both instances. */
export function MoveNotice({ one }: { one: Instance }) {
  const move = useStore(moves).find(({ from, to }) => from === one.id || to === one.id);
  return move ? <section class="fix" aria-label={`Move to another machine of instance ${move.from}`}><MoveProgress move={move} /></section> : null;
}

/** Where to, how long, and for how much; and with one press, there. */
function Plan({ one, offers }: { one: Instance; offers: Offer[] }) {
  const [id, setId] = useState(String(offers[0]?.id ?? ''));
  const offer = offers.find((other) => String(other.id) === id) ?? offers[0];
  const gpus = Math.max(1, one.num_gpus);
  const [bid, setBid] = useState((Math.max(one.dph_base, offer?.min_bid ?? 0) / gpus).toFixed(3));
  const [keeps, setKeeps] = useState(false);
  if (!offer) return <p>No other machine offers {nameOf(one)} with {number(one.disk_space)} GB of disk now. <a href={moveLink(one)}>Look for others</a>.</p>;
  const seconds = copySeconds(one, offer);
  const hour = one.is_bid ? Number(bid) * gpus + offer.storage_total_cost : offer.dph_total;
  const begin = (): void => void goOn({ from: one.id, offer: offer.id, price: one.is_bid ? Number((Number(bid) * gpus).toFixed(3)) : null, keeps, to: null, step: 'stop', said: '', isOn: true });
  return (
    <form class="stack" onSubmit={(event) => { event.preventDefault(); begin(); }}>
      <Select label="To" value={id} onChange={setId} options={offers.map((other) => [String(other.id), `m:${other.machine_id}, ${other.geolocation ?? 'place unknown'}, ${rate(one.is_bid ? other.min_bid + other.storage_total_cost : other.dph_total)}`])} />
      {one.is_bid && <Field label="Your bid there, a GPU" unit="$/h" type="number" min={0.001} step={0.001} required value={bid} hint={`${rate(offer.min_bid / gpus)} a GPU runs now.`} onInput={(event) => setBid(event.currentTarget.value)} />}
      <Facts rows={[['It costs there', `${rate(hour)}, here ${rate(one.dph_total)}`], ['Its files take', seconds === null ? 'nobody has measured it' : `about ${duration(Math.ceil(seconds))} for ${number(one.disk_usage, 1)} GB`],
        ['Traffic', `${money(perTb(one.inet_up_cost))} per TB out of here, ${money(perTb(offer.inet_down_cost))} per TB in there`], ['New there', 'its number, address and ports; what is in memory is gone']]} />
      <Check label="Keep the old one" checked={keeps} onChange={setKeeps} hint={`Stopped, for ${day(one.storage_total_cost)}.`} />
      <Button kind="primary" type="submit">{isOnNow(one) ? 'Stop it and move it' : 'Move it'}</Button>
      <p class="hint">Your browser does it, step by step, and the old one is destroyed last. <a href={moveLink(one)}>With other GPUs</a>, or without a browser:</p>
      <Copy text={`berth migrate ${one.id}`} label="Move it by the command line" />
    </form>
  );
}

const isOnNow = (one: Instance): boolean => one.intended_status === 'running';

export function MoveDialog({ one, onClose }: Props) {
  const move = useStore(moves).find(({ from }) => from === one.id);
  const refused = whyNot(one);
  const offers = useLoad(() => (refused ? Promise.resolve([]) : offersFor(one)));
  return (
    <Dialog title={`Move instance ${one.id} to another machine`} onClose={onClose}>
      {move ? <MoveProgress move={move} /> : refused ? <Notice kind="warn">{refused}</Notice> : <Loaded from={offers} rows={1} height={160}>{(found) => <Plan one={one} offers={found} />}</Loaded>}
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
