// SPDX-License-Identifier: Apache-2.0
/** Renting: what to run and for how much; what is missing for it is mended here. */
import { useLayoutEffect, useState } from 'preact/hooks';
import type { InstanceCreateRequest, Offer, Template, Volume } from '#api';
import { call } from '../../lib/api';
import { money, number, perTb, rate } from '../../lib/format';
import { launchOf, LAUNCHES } from '../../lib/launch';
import { live } from '../../lib/live';
import { diskOf, isBid as isBidding, isReserved as isReserving, volumeOf } from '../../lib/query';
import { go } from '../../lib/router';
import { useRules } from '../../lib/rules';
import { refreshUser, session } from '../../lib/session';
import { useStore } from '../../lib/store';
import { Area, Button, Check, Dialog, Field, Notice, Segments, Select, toast, useAct, useLoad } from '../../ui/parts';
import { nameOf, PriceTable, volumeHour } from './offer';

interface Wish {
  image: string;
  template: string; // its hash, or nothing
  launch: string;
  onstart: string;
  args: string;
  label: string;
  bid: string; // a GPU and hour
  bidMax: string;
  grace: string; // seconds; empty: the market's
  volume: string; // its id, 'new', or nothing
  volumeGb: string;
  mount: string;
}

const KEPT = 'berth-image';

function MissingKey({ onAdded }: { onAdded: () => void }) {
  const [text, setText] = useState('');
  const { busy, error, act } = useAct();
  const add = (): void => act(async () => {
    await call('POST /api/v0/ssh/', { body: { ssh_key: text } });
    onAdded();
  });
  return (
    <div class="fix">
      <Notice kind="warn">You have no SSH key yet: without one you could not log in to it. Add yours here.</Notice>
      <Area label="Public key" value={text} rows={2} onInput={setText} placeholder="ssh-ed25519 AAAA... you@laptop"
        hint="The content of ~/.ssh/id_ed25519.pub" />
      {error && <Notice kind="bad">{error}</Notice>}
      <div><Button busy={busy} disabled={text.trim() === ''} onClick={add}>Add SSH Key</Button></div>
    </div>
  );
}

function MissingCredit({ need }: { need: number }) {
  return (
    <Notice kind="warn" action={<Button onClick={() => void refreshUser()}>I have added credit</Button>}>
      You have no credit, and this costs {rate(need)}. <a href="/billing" target="_blank">See how to add some</a>, then go on here.
    </Notice>
  );
}

function bodyOf(wish: Wish, offer: Offer, disk: number, isBid: boolean): InstanceCreateRequest {
  const runtype = { ssh: 'ssh ssh_direc ssh_proxy', jupyter: 'jupyter_direc ssh_direc ssh_proxy', args: 'args' }[wish.launch];
  const body: InstanceCreateRequest = { disk, label: wish.label || null, runtype, onstart: wish.onstart || null };
  const gpus = Math.max(1, offer.num_gpus);

  if (wish.template) body.template_hash_id = wish.template;
  if (wish.image) body.image = wish.image;
  if (wish.launch === 'args' && wish.args) body.args_str = wish.args;
  if (wish.volume === 'new')
    body.volume_info = { create_new: true, volume_id: offer.avail_vol_ask_id, size: Number(wish.volumeGb), mount_path: wish.mount };
  else if (wish.volume) body.volume_info = { volume_id: Number(wish.volume), mount_path: wish.mount };
  if (isBid) {
    body.price = Number((Number(wish.bid) * gpus).toFixed(3));
    if (wish.grace !== '') body.grace = Number(wish.grace);
    if (wish.bidMax) body.max_price = Number((Number(wish.bidMax) * gpus).toFixed(3));
  }
  return body;
}

function Bid({ offer, wish, change }: { offer: Offer; wish: Wish; change: (part: Partial<Wish>) => void }) {
  const gpus = Math.max(1, offer.num_gpus);
  const total = Number(wish.bid) * gpus;
  const rules = useRules();
  return (
    <div class="fix">
      <div class="two">
        <Field label="Your bid, a GPU" unit="$/h" type="number" min={0.001} step={0.001} required value={wish.bid}
          hint={`${rate(total)} for all ${number(gpus)}. ${rate(offer.min_bid / gpus)} a GPU runs now${offer.is_bid ? ', above the bid that holds it' : ''}.`}
          onInput={(event) => change({ bid: event.currentTarget.value })} />
        <Field label="Raise it by itself up to" unit="$/h" type="number" min={0} step={0.001} value={wish.bidMax} placeholder="not at all"
          hint="Rather than stop, when others bid more." onInput={(event) => change({ bidMax: event.currentTarget.value })} />
      </div>
      <Field label="Notice before it makes way" unit="s" type="number" min={0} max={rules?.grace_max_s} step={1} value={wish.grace} placeholder={String(rules?.grace_default_s ?? '')}
        hint="As far as its host allows." onInput={(event) => change({ grace: event.currentTarget.value })} />
      <p class="hint">An interruptible instance runs while its bid is the highest; on-demand rentals come before all bids. When
        it has to make way it gets {wish.grace || rules?.grace_default_s || 'a few'} seconds of notice, its disk is kept, and it starts again by itself.</p>
    </div>
  );
}

/** The new volume that a template says, where the machine has space for one. */
const volumeSaid = (one: Partial<Template> | undefined, offer: Offer): Partial<Wish> =>
  (one?.volume_info && offer.avail_vol_ask_id !== null ? { volume: 'new', volumeGb: String(one.volume_info.size), mount: one.volume_info.mount_path } : {});

function What({ offer, wish, change, templates }: { offer: Offer; wish: Wish; change: (part: Partial<Wish>) => void; templates: Partial<Template>[] }) {
  const options: [string, string][] = [['', 'An image'], ...templates.map((one): [string, string] => [one.hash_id ?? '', one.name ?? ''])];
  const choose = (hash: string): void => {
    const found = templates.find((one) => one.hash_id === hash);
    change({ template: hash, image: found ? '' : wish.image, launch: found?.runtype ?? wish.launch, onstart: '', ...volumeSaid(found, offer) });
  };
  return (
    <>
      {templates.length > 0 && <Select label="Template" value={wish.template} onChange={choose} options={options} />}
      {!wish.template && <Field label="Image" value={wish.image} required placeholder="ubuntu:22.04" spellcheck={false}
        onInput={(event) => change({ image: event.currentTarget.value.trim() })} />}
      {!wish.template && <Segments label="How to launch it" value={wish.launch} options={LAUNCHES} onChange={(launch) => change({ launch })} />}
      {wish.launch === 'args' && <Field label="Arguments" value={wish.args} spellcheck={false}
        hint="For the image's own entry point. Nobody logs in to it; its log and its end are shown." onInput={(event) => change({ args: event.currentTarget.value })} />}
    </>
  );
}

/** A volume of the machine's to mount, or one to make there. */
function AddVolume({ offer, wish, change, volumes }: { offer: Offer; wish: Wish; change: (part: Partial<Wish>) => void; volumes: Volume[] }) {
  const here = volumes.filter((one) => one.machine_id === offer.machine_id);
  const options: [string, string][] = [['', 'None'], ...here.map((one): [string, string] => [String(one.id), `${one.label || `V.${one.id}`}, ${number(one.disk_space)} GB`])];
  if (offer.avail_vol_ask_id !== null && offer.avail_vol_size) options.push(['new', `A new one, of at most ${number(offer.avail_vol_size)} GB`]);
  if (options.length === 1) return null;
  return (
    <>
      <Select label="Add volume" value={wish.volume} onChange={(volume) => change({ volume })} options={options} />
      {wish.volume && (
        <div class="two">
          {wish.volume === 'new' && <Field label="Volume Size" unit="GB" type="number" min={1} max={offer.avail_vol_size ?? 1} step={1} required value={wish.volumeGb} onInput={(event) => change({ volumeGb: event.currentTarget.value })} />}
          <Field label="Mounted at" value={wish.mount} required onInput={(event) => change({ mount: event.currentTarget.value.trim() })} />
        </div>
      )}
    </>
  );
}

const PATH = '/data';
/** Of a volume that is made with it; what is there already is paid for. */
const madeHour = (wish: Wish, offer: Offer): number => (wish.volume === 'new' ? volumeHour(offer, Number(wish.volumeGb) || 0) : 0);

export function RentDialog({ offer, query, onClose }: { offer: Offer; query: URLSearchParams; onClose: () => void }) {
  const disk = diskOf(query);
  const isBid = isBidding(query);
  const isReserved = isReserving(query);
  const template = query.get('template') ?? '';
  const from = query.get('from'); // what it is to take the place of
  const { state, user } = useStore(session);
  const { credit, instances } = useStore(live);
  const keys = useLoad(async () => (state === 'in' ? call('GET /api/v0/ssh/') : []), [state]);
  const templates = useLoad(async () => (state === 'in' ? (await call('GET /api/v0/template/')).templates : []), [state]);
  const volumes = useLoad(async () => (state === 'in' ? (await call('GET /api/v0/volumes/')).volumes : []), [state]);
  const old = instances?.get(Number(from)) ?? null;
  const [wish, setWish] = useState<Wish>({ image: old ? (old.template_hash_id ? '' : old.image_uuid) : (localStorage.getItem(KEPT) ?? 'ubuntu:22.04'), template: old?.template_hash_id ?? template,
    launch: old ? launchOf(old.image_runtype) : 'ssh', onstart: old?.onstart ?? '', args: old?.image_args.join(' ') ?? '', label: old?.label ?? '', volume: query.get('volume') ?? (volumeOf(query) > 0 && offer.avail_vol_ask_id !== null ? 'new' : ''), volumeGb: String(volumeOf(query) || 15), mount: PATH,
    bid: query.get('bid') ?? (offer.min_bid / Math.max(1, offer.num_gpus)).toFixed(3), bidMax: '', grace: '' });
  const [isMore, setMore] = useState(false);
  const { busy, error, act } = useAct();
  const change = (part: Partial<Wish>): void => setWish({ ...wish, ...part });

  /* Before it is painted: what the template says is never seen, or typed over, as anything else. */
  useLayoutEffect(() => {
    const found = template ? templates.data?.find((one) => one.hash_id === template) : undefined;
    if (template && templates.data) change({ launch: found?.runtype ?? 'ssh', mount: found?.volume_info?.mount_path ?? wish.mount });
  }, [templates.data]);
  if (state !== 'in') {
    const to = encodeURIComponent(location.pathname + location.search);
    return (
      <Dialog title={`Rent ${nameOf(offer)}`} onClose={onClose}>
        <p>To rent it you need an account. It takes a minute, and you come back to this offer.</p>
        <div class="row"><a class="button primary" href={`/signup?to=${to}`}>Sign up</a><a class="button" href={`/login?to=${to}`}>Log in</a></div>
      </Dialog>
    );
  }
  const gpuHour = isBid ? Number(wish.bid) * Math.max(1, offer.num_gpus) : offer.dph_base;
  const hour = gpuHour + offer.storage_total_cost + madeHour(wish, offer);
  const lacksKey = wish.launch !== 'args' && keys.data?.length === 0;
  const lacksCredit = (credit ?? user?.credit ?? 0) <= 0;
  const rent = (): void => act(async () => {
    const made = await call('PUT /api/v0/asks/{id}/', { path: { id: offer.id }, body: bodyOf(wish, offer, disk, isBid) });
    if (wish.image) localStorage.setItem(KEPT, wish.image);
    toast(made.msg ?? `Instance ${made.new_contract} is being made.`, made.success ? 'good' : 'bad', [`/instances/${made.new_contract}`, `C.${made.new_contract}`]);
    /* In the place of this dialog: going back from there leads to the search, not to renting it once more. */
    go(`/instances/${made.new_contract}${from ? `?moved=${from}` : isReserved ? '?reserve=1' : ''}`, 'replace');
  });
  return (
    <Dialog title={`Rent ${nameOf(offer)}`} onClose={onClose}>
      {lacksCredit && <MissingCredit need={hour} />}
      {lacksKey && <MissingKey onAdded={keys.reload} />}
      <form class="stack" onSubmit={(event) => { event.preventDefault(); rent(); }}>
        <What offer={offer} wish={wish} change={change} templates={templates.data ?? []} />
        <AddVolume offer={offer} wish={wish} change={change} volumes={volumes.data ?? []} />
        {isBid && <Bid offer={offer} wish={wish} change={change} />}
        <Check label="More: label, command at each start" checked={isMore} onChange={setMore} />
        {isMore && <>
          <Field label="Label" value={wish.label} maxLength={1024} onInput={(event) => change({ label: event.currentTarget.value })} />
          <Area label="At each start, run" value={wish.onstart} rows={3} onInput={(onstart) => change({ onstart })} />
        </>}
        <PriceTable up={perTb(offer.inet_up_cost)} down={perTb(offer.inet_down_cost)} isAhead={isReserved} reserved={isReserved && offer.discounted_dph_total !== null ? offer.discounted_dph_total + madeHour(wish, offer) : null}
          rows={[[isBid ? 'GPUs, your bid' : 'GPUs', gpuHour], [`Disk, ${number(disk)} GB`, offer.storage_total_cost], ...(wish.volume === 'new' ? [[`Volume, ${wish.volumeGb} GB`, madeHour(wish, offer)] as [string, number]] : [])]} />
        {error && <Notice kind="bad">{error}</Notice>}
        {isReserved && <p class="hint">It begins on demand, at the price that is struck through. Once it is there you choose how many months to pay ahead; the price without the line is that with the largest discount, for the longest time.</p>}
        <Button kind="primary" type="submit" busy={busy} disabled={lacksKey || lacksCredit}>Rent for {money(hour, 3)} an hour</Button>
      </form>
    </Dialog>
  );
}
