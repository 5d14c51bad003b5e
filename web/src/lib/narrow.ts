// SPDX-License-Identifier: Apache-2.0
/** What a tighter search finds among offers that are here already: they come in the same order from the server, so the first
 * of what it finds is known before it has answered. Where that is not sure the answer is null, and the server's is waited for. */
import type { Offer } from '#api';

export type Asked = Record<string, unknown>;
type Condition = Record<string, unknown>;
type Value = number | string | boolean | null;

/** Members that a search may be narrowed by without anything else of an offer changing: not "duration", which scores go by. */
const PLAIN = ['num_gpus', 'gpu_name', 'gpu_ram', 'total_flops', 'dlperf', 'dlperf_per_dphtotal', 'cuda_max_good', 'pcie_bw', 'cpu_cores_effective', 'cpu_ram',
  'disk_bw', 'inet_down', 'inet_up', 'direct_port_count', 'machine_id', 'dph_total', 'reliability', 'static_ip', 'rentable', 'avail_vol_size', 'credit_discount_max'] as const;

const OTHERS: Record<string, (offer: Offer) => Value> = {
  geolocation: (offer) => offer.country_code,
  verified: (offer) => offer.verification === 'verified',
  datacenter: (offer) => offer.hosting_type === 1,
  has_avx: (offer) => offer.has_avx === 1,
};

const valueOf: Record<string, ((offer: Offer) => Value) | undefined> = {
  ...Object.fromEntries(PLAIN.map((name) => [name, (offer: Offer): Value => offer[name] ?? null])), ...OTHERS };

const TESTS: Record<string, ((value: Value, wanted: unknown) => boolean) | undefined> = {
  eq: (value, wanted) => value === wanted,
  in: (value, wanted) => Array.isArray(wanted) && wanted.includes(value),
  notin: (value, wanted) => Array.isArray(wanted) && !wanted.includes(value),
  gt: (value, wanted) => typeof value === 'number' && value > (wanted as number),
  gte: (value, wanted) => typeof value === 'number' && value >= (wanted as number),
  lte: (value, wanted) => typeof value === 'number' && value <= (wanted as number),
};

const isCondition = (one: unknown): one is Condition => typeof one === 'object' && one !== null && !Array.isArray(one);
const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Whether whatever satisfies `now` satisfies `was`. */
function isTighter(was: Condition, now: Condition): boolean {
  return Object.entries(was).every(([operator, old]) => {
    const wanted = now[operator];
    if (same(wanted, old)) return true;
    if (operator === 'gte') return typeof wanted === 'number' && wanted >= (old as number);
    if (operator === 'lte') return typeof wanted === 'number' && wanted <= (old as number);
    if (!Array.isArray(wanted) || !Array.isArray(old)) return false;
    return operator === 'in' ? wanted.every((one) => old.includes(one)) : operator === 'notin' && old.every((one) => wanted.includes(one));
  });
}

/** Of the offers that `was` has found, in their order, those that `now` finds; null where that cannot be told. */
export function narrowed(offers: Offer[], was: Asked, now: Asked): Offer[] | null {
  const fresh: [(offer: Offer) => Value, Condition][] = [];
  for (const name of new Set([...Object.keys(was), ...Object.keys(now)])) {
    const [old, wanted] = [was[name], now[name]];
    if (same(old, wanted)) continue;
    const value = valueOf[name];
    if (!value || !isCondition(wanted) || (old !== undefined && (!isCondition(old) || !isTighter(old, wanted)))) return null;
    if (Object.keys(wanted).some((operator) => !TESTS[operator])) return null;
    fresh.push([value, wanted]);
  }
  return offers.filter((offer) => fresh.every(([value, wanted]) => Object.entries(wanted).every(([operator, what]) => TESTS[operator]?.(value(offer), what))));
}
