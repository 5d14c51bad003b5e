// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import type { Offer } from '#api';
import { call } from '../../lib/api';
import { avoid } from '../../lib/avoid';
import { dayOf, duration, gb, money, MONTH_HOURS, number, percent, perTb, rate, traffic } from '../../lib/format';
import { diskOf, isBid, isReserved, planOf, volumeOf, type Plan } from '../../lib/query';
import { useRules } from '../../lib/rules';
import { Button, Chip, Dialog, Facts, Field, Loaded, Table, toast, useLoad } from '../../ui/parts';

export const nameOf = ({ num_gpus: count, gpu_name: name, cpu_name: cpu }: Pick<Offer, 'num_gpus' | 'gpu_name'> & { cpu_name?: string | null }): string =>
  count > 0 ? `${count}× ${name ?? 'GPU'}` : (cpu ?? 'CPU');

/** Dollars an hour of a volume of that size which is made with it. */
export const volumeHour = (offer: Offer, gb: number): number => (gb > 0 && offer.avail_vol_size ? ((offer.avail_vol_dph ?? 0) / offer.avail_vol_size) * gb : 0);

/** What it costs by the hour, the day and the month of 720 hours; `reserved`: in all, for who pays ahead, as `isAhead` says is meant. */
export function PriceTable({ rows, up, down, reserved = null, isAhead = false }: { rows: [string, number][]; up: number; down: number; reserved?: number | null; isAhead?: boolean }) {
  const total = rows.reduce((sum, [, value]) => sum + value, 0);
  const line = (name: string, hour: number, isOld = false) => {
    const cell = (text: string) => <td class="num">{isOld ? <s>{text}</s> : text}</td>;
    return <tr key={name}><th scope="row">{name}</th>{cell(money(hour, 4))}{cell(money(hour * 24))}{cell(money(hour * MONTH_HOURS))}</tr>;
  };
  return (
    <>
      <Table kind="columns" head={['', 'an hour', 'a day', 'a month']} label="Price">
        {rows.map(([name, hour]) => line(name, hour))}
        {line('Total', total, reserved !== null && isAhead)}
        {reserved !== null && line('Reserved, paid ahead', reserved)}
      </Table>
      <p class="hint">Internet beside that, for what is moved: {money(up)} per TB up, {money(down)} per TB down.
        GPUs are charged by the second while the instance runs; the disk until it is destroyed.</p>
    </>
  );
}

/** Dollars for all of it. */
const planCost = (offer: Offer, hour: number, plan: Plan): number =>
  hour * plan.hours + offer.inet_down_cost * plan.inGb + offer.inet_up_cost * plan.outGb;

const planWords = (plan: Plan): string => `${number(plan.hours, 1)} h, ${number(plan.inGb, 1)} GB in and ${number(plan.outGb, 1)} GB out`;

interface Costs { hour: number; gpus: number; volume: number; reserved: number | null }

/** What an offer costs an hour, by what is asked for. */
export function costsOf(offer: Offer, query: URLSearchParams): Costs {
  const volume = volumeHour(offer, volumeOf(query));
  const gpus = isBid(query) ? offer.min_bid : offer.dph_base;
  return { gpus, volume, hour: gpus + offer.storage_total_cost + volume,
    reserved: isReserved(query) && offer.discounted_dph_total !== null ? offer.discounted_dph_total + volume : null };
}

function Breakdown({ offer, query, onClose }: { offer: Offer; query: URLSearchParams; onClose: () => void }) {
  const rules = useRules();
  const costs = costsOf(offer, query);
  const plan = planOf(query);
  const reserved = offer.discounted_dph_total !== null && offer.credit_discount_max ? offer.discounted_dph_total + costs.volume : null;
  const volume: [string, number][] = volumeOf(query) > 0 ? [[`Volume, ${number(volumeOf(query))} GB`, costs.volume]] : [];
  return (
    <Dialog title={`What ${nameOf(offer)} costs`} onClose={onClose}>
      <PriceTable up={perTb(offer.inet_up_cost)} down={perTb(offer.inet_down_cost)} reserved={isBid(query) ? null : reserved} isAhead={isReserved(query)}
        rows={[[isBid(query) ? (isHeld(offer) ? 'GPUs, by the lowest bid once they are free' : 'GPUs, by the lowest bid that runs') : 'GPUs, on demand', costs.gpus], [`Disk, ${number(diskOf(query))} GB`, offer.storage_total_cost], ...volume]} />
      {plan && <p><b>{money(planCost(offer, costs.reserved ?? costs.hour, plan))}</b> in all for {planWords(plan)}.</p>}
      <p class="hint">{offer.storage_when_offline === 'charge'
        ? `Should the host be out of contact, the disk is charged for at most ${rules?.disk_offline_hours ?? 'some'} hours.`
        : 'Should the host be out of contact, the disk is not charged.'}</p>
    </Dialog>
  );
}

function Explain({ offer, asking, onClose }: { offer: Offer; asking: Record<string, unknown>; onClose: () => void }) {
  const told = useLoad(() => call('POST /api/v0/bundles/explain/', { body: { q: asking, id: offer.id } }));
  return (
    <Dialog title="Why is it here?" onClose={onClose} wide>
      <Loaded from={told} rows={1} height={160}>
        {({ offer: own, above, below, count }) => (
          <>
            <p>It is number {number(own?.rank ?? null)} of {number(count)}. Its score is speed × memory × network × reliability ÷ price.</p>
            <Table head={['Offer', 'Score', 'Speed', 'Memory', 'Network', 'Reliability', '$/h']} label="Scores">
              {[above, own, below].map((one) => one && (
                <tr key={one.id}>
                  <th scope="row">{one.id === offer.id ? 'This one' : `Number ${number(one.rank)}`}</th>
                  <td>{number(one.score, 1)}</td><td>{number(one.speed, 1)}{!one.is_measured && ' (by its maker)'}</td>
                  <td>{number(one.memory, 2)}</td><td>{number(one.network, 2)}</td><td>{percent(one.reliability, 1)}</td><td>{money(one.price, 3)}</td>
                </tr>
              ))}
            </Table>
          </>
        )}
      </Loaded>
    </Dialog>
  );
}

function Pair({ top, bottom, name }: { name: string; top: preact.ComponentChildren; bottom: preact.ComponentChildren }) {
  return <div class="pair"><span class="sr">{name}</span><div>{top}</div><div class="muted">{bottom}</div></div>;
}

/** By a rental on demand, which no bid takes the place of. */
const isHeld = (offer: Offer): boolean => offer.is_rented && !offer.is_bid;

const place = (offer: Offer): string => offer.geolocation ?? 'place unknown';

function Price({ offer, query, onShow }: { offer: Offer; query: URLSearchParams; onShow: () => void }) {
  const { hour, gpus, volume, reserved } = costsOf(offer, query);
  const plan = planOf(query);
  const shown = reserved ?? hour;
  return (
    <button class="price" onClick={onShow} aria-label={`${rate(shown)}: what it is made of`}
      title={`GPUs ${rate(gpus)} · disk ${rate(offer.storage_total_cost)}${volume > 0 ? ` · volume ${rate(volume)}` : ''} · traffic ${money(perTb(offer.inet_up_cost))} per TB up, ${money(perTb(offer.inet_down_cost))} down`}>
      {reserved !== null && <s class="muted small">{money(hour, 3)}</s>}
      <span><strong>{money(shown, 3)}</strong><span class="muted">/h</span></span>
      <small>{plan ? `${money(planCost(offer, shown, plan))} in all` : isBid(query) ? (isHeld(offer) ? 'of bids; none runs now' : 'lowest bid that runs now') : reserved !== null ? 'paid ahead' : `${money(hour * 24)} a day`}</small>
    </button>
  );
}

/** The bid that one would make, a GPU, ready to be changed. */
function BidBox({ offer, bid, onBid }: { offer: Offer; bid: string; onBid: (text: string) => void }) {
  return <Field label="Bid, a GPU" unit="$/h" type="number" min={0.001} step={0.001} value={bid} aria-label={`Bid for offer ${offer.id}, a GPU`} onInput={(event) => onBid(event.currentTarget.value)} />;
}

function Status({ offer, starts }: { offer: Offer; starts: number | null | undefined }) {
  return (
    <div class="row chips">
      {offer.verification === 'verified' ? <Chip kind="good">verified</Chip> : <Chip kind="warn">{offer.verification}</Chip>}
      {offer.hosting_type === 1 && <Chip>data centre</Chip>}
      {offer.static_ip && <Chip>static IP</Chip>}
      {offer.avail_vol_size ? <Chip title="Space for volumes, which outlive instances">Vol: {number(offer.avail_vol_size)} GB</Chip> : null}
      {offer.simulated && <Chip kind="warn" title="The GPUs do not exist: for trying the market">simulated</Chip>}
      {starts !== null && starts !== undefined && <Chip kind="good">starts in about {duration(starts)}</Chip>}
      {offer.is_rented && <Chip kind="warn">rented{offer.rented_until !== null && ` for ${duration(offer.rented_until - Date.now() / 1000)} at most`}</Chip>}
      {offer.rented && <Chip>yours</Chip>}
    </div>
  );
}

/** Everything that is known of it, for who asks: the card shows what most choose by. */
function Details({ offer }: { offer: Offer }) {
  const past = useLoad(() => call('GET /api/v0/machines/{id}/history/', { path: { id: offer.machine_id } }));
  const leaveOut = (): void => { avoid(offer.machine_id, true); toast(`Machine ${offer.machine_id} is left out of your searches in this browser. Filters says so, and takes it back.`); };
  return (
    <div class="stack"><Facts rows={[['TFLOPS, FP32', number(offer.total_flops, 1)], ['Max CUDA', number(offer.cuda_max_good, 1)], ['Driver', offer.driver_version ?? '–'],
      ['GPU memory', `${gb(offer.gpu_ram)} a GPU`], ['GPU memory speed', offer.gpu_mem_bw ? `${number(offer.gpu_mem_bw)} GB/s` : 'not known'],
      ['DLPerf', offer.dlperf ? `${number(offer.dlperf, 1)}, ${number(offer.dlperf_per_dphtotal, 1)} per $/h` : 'not measured'],
      ['Main board', offer.mobo_name ?? 'not known'], ['PCIe', `${offer.pci_gen ? `${number(offer.pci_gen, 1)}, ` : ''}${offer.gpu_lanes ?? '–'}x, ${offer.pcie_bw ? `${number(offer.pcie_bw, 1)} GB/s` : 'not measured'}`],
      ['CPU', offer.cpu_name ?? 'not known'], ['CPUs', `${number(offer.cpu_cores_effective, 1)} of ${number(offer.cpu_cores)}`], ['RAM', `${gb(offer.cpu_ram * offer.gpu_frac)} of ${gb(offer.cpu_ram)}`],
      ['Disk', offer.disk_name ?? 'not known'], ['Disk speed', offer.disk_bw ? `${number(offer.disk_bw)} MB/s` : 'not measured'], ['Space', `${number(offer.disk_space)} GB`],
      ['Space for volumes', offer.avail_vol_size ? `${number(offer.avail_vol_size)} GB` : 'none offered'], ['Ports', number(offer.direct_port_count)],
      ['Host', `${offer.hosting_type === 1 ? 'datacenter' : 'host'}:${offer.host_id}`], ['Max duration', offer.duration === null ? 'no end' : duration(offer.duration)],
      ['Reliability', percent(offer.reliability, 2)], ['Reliability is from', past.data ? `${number(past.data.up_hours)} h seen, ${number(past.data.interruptions, 1)} interruptions` : '…'], ['Listed since', dayOf(offer.start_date)],
      ['Paid ahead', offer.discounted_dph_total && offer.credit_discount_max ? `${rate(offer.discounted_dph_total)}, up to ${percent(offer.credit_discount_max)} less` : 'no discount']]} />
      <div><Button kind="quiet" icon="close" aria-label={`Avoid machine ${offer.machine_id}`} onClick={leaveOut}>Avoid this machine</Button></div></div>
  );
}

/** What is opened of an offer, and bid for it. */
export interface Choice { shown: 'price' | 'why' | null; isOpen: boolean; bid: string | null }
const NO_CHOICE: Choice = { shown: null, isOpen: false, bid: null };

/** What was chosen of offers, by their numbers: a card is a place in the list, whose offer changes with the filters. */
export function useChoices(): [Map<number, Choice>, (offer: number, part: Partial<Choice>) => void] {
  const [choices, setChoices] = useState(new Map<number, Choice>());
  return [choices, (offer, part) => setChoices((was) => new Map(was).set(offer, { ...(was.get(offer) ?? NO_CHOICE), ...part }))];
}

export function OfferCard({ offer, query, asking, starts, choice = NO_CHOICE, choose, onRent }: {
  offer: Offer; query: URLSearchParams; asking: Record<string, unknown>; starts?: number | null; choice?: Choice; choose: (part: Partial<Choice>) => void; onRent: (bid: string | null) => void;
}) {
  const { shown, isOpen, bid } = choice;
  const [speed, unit] = traffic(offer.inet_down, offer.inet_up);
  const least = (offer.min_bid / Math.max(1, offer.num_gpus)).toFixed(3);
  return (
    <article class={offer.is_rented ? 'offer taken' : 'offer'} aria-label={`${nameOf(offer)}, machine ${offer.machine_id}`}>
      <div class="offer-name">
        <h2>{nameOf(offer)}</h2>
        <p class="muted small">{place(offer)}</p>
        <p class="muted small ids"><a href={`/?machine=${offer.machine_id}&unverified=1`}>m:{offer.machine_id}</a> · <span>{offer.hosting_type === 1 ? 'datacenter' : 'host'}:{offer.host_id}</span> · <span>offer {offer.id}</span></p>
        <Status offer={offer} starts={starts} />
      </div>
      <div class="pairs">
        <Pair name="GPU memory" top={`${gb(offer.gpu_ram)} a GPU`} bottom={offer.gpu_mem_bw ? `${number(offer.gpu_mem_bw)} GB/s` : `CUDA ${number(offer.cuda_max_good, 1)}`} />
        <Pair name="Speed" top={offer.dlperf ? `${number(offer.dlperf, 1)} DLPerf` : `${number(offer.total_flops, 1)} TFLOPS`}
          bottom={offer.dlperf_per_dphtotal ? `${number(offer.dlperf_per_dphtotal)} per $/h` : `${number(offer.flops_per_dphtotal)} per $/h`} />
        <Pair name="CPU" top={`${number(offer.cpu_cores_effective, 1)} of ${number(offer.cpu_cores)} CPUs`} bottom={`${gb(offer.cpu_ram * offer.gpu_frac)} RAM`} />
        <Pair name="Disk" top={`${number(offer.disk_space)} GB disk`} bottom={offer.disk_bw ? `${number(offer.disk_bw)} MB/s` : offer.disk_name ?? 'speed not measured'} />
        <Pair name="Network" top={speed} bottom={`${unit} · ${plainPorts(offer)}`} />
        <Pair name="Reliability" top={`${percent(offer.reliability, 2)} reliable`} bottom={offer.duration === null ? 'no end' : `for ${duration(offer.duration)}`} />
      </div>
      <div class="offer-act">
        <Price offer={offer} query={query} onShow={() => choose({ shown: 'price' })} />
        {isBid(query) && <BidBox offer={offer} bid={bid ?? least} onBid={(text) => choose({ bid: text })} />}
        <Button kind="primary" disabled={!offer.rentable} onClick={() => onRent(bid)} aria-label={`Rent ${nameOf(offer)}, offer ${offer.id}`}>Rent</Button>
        <p class="small">
          <button class="open" aria-expanded={isOpen} onClick={() => choose({ isOpen: !isOpen })} aria-label={`Details of offer ${offer.id}`}>Details</button>{' · '}
          <button class="open" onClick={() => choose({ shown: 'why' })} aria-label={`Why is offer ${offer.id} here?`}>Why here?</button>
        </p>
      </div>
      {isOpen && <div class="offer-more"><Details key={offer.id} offer={offer} /></div>}
      {shown === 'price' && <Breakdown key={offer.id} offer={offer} query={query} onClose={() => choose({ shown: null })} />}
      {shown === 'why' && <Explain key={offer.id} offer={offer} asking={asking} onClose={() => choose({ shown: null })} />}
    </article>
  );
}

const plainPorts = (offer: Offer): string => `${number(offer.direct_port_count)} ports`;
