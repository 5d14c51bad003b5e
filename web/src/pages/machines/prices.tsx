// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import type { GpuMetrics, Machine } from '#api';
import { call } from '../../lib/api';
import { dayParse, dayText, DAY_S } from '../../lib/days';
import { GB_PER_TB, money, MONTH_HOURS, rate } from '../../lib/format';
import { useRules } from '../../lib/rules';
import { Button, Dialog, Field, Notice, Segments, toast, useAct, useLoad } from '../../ui/parts';

interface Draft {
  gpu: string; bid: string; disk: string; up: string; down: string; chunk: string; grace: string; discount: string; endKind: string; end: string; months: string; volumes: string;
}

const SUGGESTED = { disk: '0.15', up: '2', down: '1', months: '3' };
const textPerTb = (gb: number | null): string | null => (gb === null ? null : String(Number((gb * GB_PER_TB).toFixed(4))));

const draftOf = (one: Machine): Draft => ({
  gpu: one.listed_gpu_cost === null ? '' : String(one.listed_gpu_cost), bid: one.min_bid_price === null ? '' : String(one.min_bid_price),
  disk: one.listed_storage_cost === null ? SUGGESTED.disk : String(one.listed_storage_cost), up: textPerTb(one.listed_inet_up_cost) ?? SUGGESTED.up,
  down: textPerTb(one.listed_inet_down_cost) ?? SUGGESTED.down, chunk: String(one.listed_min_gpu_count ?? 1), grace: String(one.max_grace ?? ''),
  discount: one.credit_discount_max === null ? '' : String(Math.round(one.credit_discount_max * 100)),
  endKind: one.end_date === null ? 'rolling' : 'fixed', end: one.end_date === null ? '' : dayText(Math.floor(one.end_date / DAY_S)), months: SUGGESTED.months, volumes: '' });

function bodyOf(one: Machine, draft: Draft) {
  const end = dayParse(draft.end);
  const given = (text: string, scale = 1): number | null => (text === '' ? null : Number(text) / scale);
  return {
    machine: one.id, price_gpu: given(draft.gpu), price_min_bid: given(draft.bid), price_disk: given(draft.disk),
    price_inetu: given(draft.up, GB_PER_TB), price_inetd: given(draft.down, GB_PER_TB), min_chunk: given(draft.chunk), max_grace: given(draft.grace),
    credit_discount_max: given(draft.discount, 100), ...(draft.volumes === '' ? {} : { vol_size: Number(draft.volumes), vol_price: given(draft.disk) }),
    ...(draft.endKind === 'fixed' && end !== null ? { end_date: end * DAY_S } : { duration: `${draft.months || SUGGESTED.months} months` }),
  };
}

/** What others take for the same model. */
function Market({ gpus, model, price }: { gpus: GpuMetrics[]; model: string | null; price: number }) {
  const found = gpus.find((one) => one.gpu_name === model);
  if (!found || found.price_median === null || found.price_p10 === null || found.price_p90 === null)
    return <p class="hint">No free {model ?? 'machine of its kind'} is on the market now to compare with.</p>;
  const words = price === 0 ? '' : price <= found.price_p10 ? 'Yours is among the cheapest tenth.' : price > found.price_p90 ? 'Yours is among the dearest tenth.'
    : price <= found.price_median ? 'Yours is below the middle.' : 'Yours is above the middle.';
  return (
    <p class="hint">Others ask for a free {model}: a tenth at most {rate(found.price_p10)}, half at most {rate(found.price_median)}, nine tenths at
      most {rate(found.price_p90)}; {found.available} are free, {found.rented} rented{found.rented_median !== null && `, half of those at most at ${rate(found.rented_median)}`}. {words}</p>
  );
}

function Earn({ one, draft }: { one: Machine; draft: Draft }) {
  const rules = useRules();
  const hour = Number(draft.gpu) * Math.max(1, one.num_gpus);
  if (!rules || !(hour > 0)) return null;
  const share = 1 - rules.fee_percent / 100;
  return (
    <Notice kind="good">Of that you get {100 - rules.fee_percent} %: <strong>{money(hour * share, 3)} an hour</strong> while all is rented
      on demand, {money(hour * share * 24)} a day, {money(hour * share * MONTH_HOURS)} in a month of {MONTH_HOURS} hours.</Notice>
  );
}

export function PricesDialog({ one, onClose, onDone }: { one: Machine; onClose: () => void; onDone: () => void }) {
  const [draft, setDraft] = useState(() => draftOf(one));
  const market = useLoad(() => call('GET /api/v0/metrics/gpu/current/'));
  const rules = useRules();
  const { busy, error, act } = useAct();
  const change = (part: Partial<Draft>): void => setDraft({ ...draft, ...part });
  const field = (key: keyof Draft, label: string, unit: string, more: object = {}) => (
    <Field label={label} unit={unit} type="number" min={0} step="any" value={draft[key]} onInput={(event) => change({ [key]: event.currentTarget.value })} {...more} />
  );
  const save = (): void => act(async () => {
    const done = await call('PUT /api/v0/machines/create_asks/', { body: bodyOf(one, draft) });
    toast(done.msg);
    onDone();
    onClose();
  });
  const floor = Math.max(Number(draft.bid) || 0, one.bid_gpu_cost ?? 0);
  return (
    <Dialog title={`Set Prices of machine ${one.id}`} onClose={onClose} wide>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
        <div class="two">
          {field('gpu', one.num_gpus > 0 ? 'A GPU, on demand' : 'The machine, on demand', '$/h', { required: true, min: 0.001, hint: 'The most that anybody pays for it.' })}
          {field('bid', 'Lowest bid, a GPU', '$/h', { hint: `Bids run from ${rate(floor)} on${one.bid_gpu_cost ? ', above your own job’s price' : ''}.` })}
        </div>
        <Market gpus={market.data?.gpus ?? []} model={one.gpu_name} price={Number(draft.gpu) || 0} />
        <Earn one={one} draft={draft} />
        <div class="two">
          {field('disk', 'Disk', '$/GB/mo', { hint: 'Also while an instance is stopped.' })}
          {field('up', 'Traffic, sent', '$/TB')}
          {field('down', 'Traffic, received', '$/TB')}
        </div>
        <div class="two">
          {field('chunk', 'Smallest slice', 'GPUs', { min: 1, max: Math.max(1, one.num_gpus), step: 1 })}
          {field('grace', 'Notice that bids get, at most', 's', { max: rules?.grace_max_s, step: 1, placeholder: 'the market’s' })}
          {field('discount', 'Discount for paying ahead, at most', '%', { max: 100, step: 1, placeholder: String(rules?.discount_default_percent ?? ''), hint: '0: none.' })}
        </div>
        {field('volumes', 'Space for volumes', 'GB', { step: 1, placeholder: 'as it is', hint: 'Of its disk, for renters’ volumes, at the price of the disk. They outlive instances.' })}
        <div class="stack tight">
          <Segments label="Until when" value={draft.endKind} onChange={(endKind) => change({ endKind })} options={[['rolling', 'For so long from each day'], ['fixed', 'Until a day']]} />
          {draft.endKind === 'fixed' ? <Field label="Last day" type="date" value={draft.end} required onInput={(event) => change({ end: event.currentTarget.value })} />
            : <Field label="Rentals may last for" unit="months" type="number" min={1} max={60} step={1} value={draft.months} onInput={(event) => change({ months: event.currentTarget.value })} />}
        </div>
        <Notice>Rentals that run keep the prices that they were made at. New ones get these.</Notice>
        {error && <Notice kind="bad">{error}</Notice>}
        <Button kind="primary" type="submit" busy={busy}>{one.listed ? 'Set Prices' : 'List the machine'}</Button>
      </form>
    </Dialog>
  );
}
