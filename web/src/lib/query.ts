// SPDX-License-Identifier: Apache-2.0
/** A search: what lies in the address, and the query object that it stands for. One table of filters
 * makes the form, the address and the query. */

export interface Filter {
  key: string; // in the address
  label: string;
  unit: string;
  field: string; // of the query
  operator: 'gte' | 'lte';
  scale?: number; // from the form's unit to the field's
  min?: number; // of a slider; without, a number is typed
  max: number;
  step: number;
  group: 'price' | 'gpu' | 'host' | 'net';
}

export const FILTERS: Filter[] = [
  { key: 'price', label: 'Price at most', unit: '$/h', field: 'dph_total', operator: 'lte', max: 100, step: 0.01, group: 'price' },
  { key: 'reliability', label: 'Reliability', unit: '%', field: 'reliability', operator: 'gte', scale: 0.01, min: 50, max: 99.9, step: 0.1, group: 'price' },
  { key: 'days', label: 'Can be had for', unit: 'days', field: 'duration', operator: 'gte', scale: 86400, min: 0, max: 365, step: 1, group: 'price' },
  { key: 'vram', label: 'Memory of a GPU', unit: 'GB', field: 'gpu_ram', operator: 'gte', scale: 1000, max: 512, step: 1, group: 'gpu' },
  { key: 'tflops', label: 'TFLOPS', unit: 'FP32', field: 'total_flops', operator: 'gte', max: 5000, step: 1, group: 'gpu' },
  { key: 'dlperf', label: 'DLPerf', unit: 'score', field: 'dlperf', operator: 'gte', max: 5000, step: 1, group: 'gpu' },
  { key: 'value', label: 'DLPerf per $/h', unit: 'score', field: 'dlperf_per_dphtotal', operator: 'gte', max: 5000, step: 1, group: 'gpu' },
  { key: 'cuda', label: 'CUDA', unit: 'version', field: 'cuda_max_good', operator: 'gte', max: 30, step: 0.1, group: 'gpu' },
  { key: 'pcie', label: 'PCIe', unit: 'GB/s', field: 'pcie_bw', operator: 'gte', max: 128, step: 0.5, group: 'gpu' },
  { key: 'cpus', label: 'CPU threads', unit: 'threads', field: 'cpu_cores_effective', operator: 'gte', max: 512, step: 1, group: 'host' },
  { key: 'ram', label: 'RAM of the machine', unit: 'GB', field: 'cpu_ram', operator: 'gte', scale: 1000, max: 8192, step: 1, group: 'host' },
  { key: 'diskbw', label: 'Disk speed', unit: 'MB/s', field: 'disk_bw', operator: 'gte', max: 30000, step: 10, group: 'host' },
  { key: 'down', label: 'Download', unit: 'Mbit/s', field: 'inet_down', operator: 'gte', max: 100000, step: 10, group: 'net' },
  { key: 'up', label: 'Upload', unit: 'Mbit/s', field: 'inet_up', operator: 'gte', max: 100000, step: 10, group: 'net' },
  { key: 'ports', label: 'Open ports', unit: 'ports', field: 'direct_port_count', operator: 'gte', max: 64000, step: 1, group: 'net' },
];

/** What a search begins with, by the key of the filter; "any" in the address is no bound. A market in which nothing is within
 * them yet, since machines begin at little reliability, has none of them: see lib/young. */
export const DEFAULTS: Record<string, string> = { reliability: '90', days: '3' };
export const ANY = 'any';

/** What is typed or set, or begun with; empty: no bound. */
export function boundOf(query: URLSearchParams, key: string, isYoung: boolean): string {
  const said = query.get(key);
  return said === ANY ? '' : (said ?? (isYoung ? '' : (DEFAULTS[key] ?? '')));
}

/** How the address says that: what a search begins with it does not, and no bound only where one is begun with. */
export function boundSaid(key: string, value: string): string | null {
  const usual = DEFAULTS[key];
  return value === usual ? null : value === '' && usual !== undefined ? ANY : value;
}

export const hasDefaults = (query: URLSearchParams): boolean => Object.keys(DEFAULTS).some((key) => !query.has(key));

export interface Toggle { key: string; label: string; hint?: string; field: string; value: unknown }

export const TOGGLES: Toggle[] = [
  { key: 'secure', label: 'Data centres only', field: 'datacenter', value: true },
  { key: 'static', label: 'Static IP address', field: 'static_ip', value: true },
  { key: 'avx', label: 'CPU with AVX', field: 'has_avx', value: true },
];

export const SORTS: [string, string][] = [
  ['score', 'Best value'], ['dph_total', 'Price'], ['dlperf', 'DLPerf'], ['dlperf_per_dphtotal', 'DLPerf per $'],
  ['total_flops', 'TFLOPS'], ['reliability', 'Reliability'],
];

export const COUNTS: [string, string][] = [['', 'Any'], ['1', '1'], ['2', '2'], ['4', '4'], ['8', '8'], ['9', '9+'], ['0', 'CPU only']];

export const DISK_DEFAULT_GB = 10;
/** So many offers come first, which is more than fit on a screen; then whole pages, as the reader comes near their end. */
export const FIRST = 12;
export const PAGE = 60;
export const OFFERS_MAX = 5000; // the server's own limit

export const diskOf = (query: URLSearchParams): number => Math.max(1, Number(query.get('disk')) || DISK_DEFAULT_GB);
export const isBid = (query: URLSearchParams): boolean => query.get('type') === 'bid';
/** Paid ahead: on demand, with the discount that its host gives for that. */
export const isReserved = (query: URLSearchParams): boolean => query.get('type') === 'reserved';
/** GB of a new volume beside the disk; 0: none. */
export const volumeOf = (query: URLSearchParams): number => Math.max(0, Number(query.get('vol')) || 0);

/** How long it is to run, and what it is to move: for what it costs in all. */
export interface Plan { hours: number; inGb: number; outGb: number }
export const planOf = (query: URLSearchParams): Plan | null => {
  const [hours, inGb, outGb] = ['hours', 'in', 'out'].map((key) => Math.max(0, Number(query.get(key)) || 0)) as [number, number, number];
  return hours > 0 ? { hours, inGb, outGb } : null;
};

/** `fits`: what the chosen template asks for, as a query object; what is set here comes before it. `without`: machines to avoid. */
export function searchOf(query: URLSearchParams, isYoung: boolean, fits: Record<string, unknown> = {}, without: number[] = []): Record<string, unknown> {
  const asked: Record<string, unknown> = { ...fits, allocated_storage: diskOf(query), type: isBid(query) ? 'bid' : 'on-demand' };
  const models = query.get('gpu')?.split(',').filter(Boolean) ?? [];
  const count = query.get('gpus');
  const country = query.get('country')?.toUpperCase();

  for (const { key, field, operator, scale = 1 } of FILTERS) {
    const value = Number(boundOf(query, key, isYoung || query.has('machine'))); // who names a machine wants that one
    if (value > 0 && (query.has(key) || fits[field] === undefined)) asked[field] = { [operator]: Number((value * scale).toFixed(6)) };
  }
  for (const { key, field, value } of TOGGLES) if (query.get(key) === '1') asked[field] = { eq: value };
  if (models.length > 0) asked.gpu_name = { in: models };
  if (count) asked.num_gpus = count === '9' ? { gte: 9 } : { eq: Number(count) };
  if (query.get('precision')) asked.precision = query.get('precision');
  if (query.get('machine')) asked.machine_id = { eq: Number(query.get('machine')) };
  else if (without.length > 0) asked.machine_id = { notin: without };
  if (country) asked.geolocation = { in: country.split(/[ ,]+/).filter(Boolean) };
  if (query.get('unverified') !== '1') asked.verified = { eq: true };
  if (query.get('unavailable') === '1') asked.include_unavailable = true;
  else asked.rentable = { eq: true };
  if (volumeOf(query) > 0) asked.avail_vol_size = { gte: volumeOf(query) };
  if (isReserved(query)) asked.credit_discount_max = { gt: 0 };
  const sort = isReserved(query) && query.get('sort') === 'dph_total' ? 'discounted_dph_total' : (query.get('sort') ?? 'score');
  asked.order = [[sort, sort.endsWith('dph_total') && !sort.startsWith('dlperf') ? 'asc' : 'desc']];
  return asked;
}

type Condition = Partial<Record<'eq' | 'gte' | 'lte' | 'in' | 'notin', unknown>>;

/** A query object in a few words, for people. */
export function wordsOf(asked: unknown): string {
  const query = asked as Record<string, Condition | undefined>;
  const words: string[] = [];
  const models = query.gpu_name?.in ?? (query.gpu_name?.eq === undefined ? undefined : [query.gpu_name.eq]);

  if (query.num_gpus?.eq !== undefined) words.push(query.num_gpus.eq === 0 ? 'without GPUs' : `${query.num_gpus.eq}×`);
  if (query.num_gpus?.gte !== undefined) words.push(`at least ${query.num_gpus.gte} GPUs`);
  if (Array.isArray(models)) words.push(models.join(' or '));
  for (const { field, label, unit, operator, scale = 1 } of FILTERS) {
    const value = query[field]?.[operator];
    if (typeof value === 'number') words.push(operator === 'lte' ? `at most ${unit === '$/h' ? `$${value}/h` : value / scale}` : `${label} from ${Number((value / scale).toFixed(3))} ${unit}`);
  }
  for (const { field, label } of TOGGLES) if (query[field]) words.push(label);
  if (Array.isArray(query.geolocation?.in)) words.push(`in ${query.geolocation.in.join(', ')}`);
  if (query.machine_id?.eq !== undefined) words.push(`machine ${query.machine_id.eq}`);
  if (Array.isArray(query.machine_id?.notin)) words.push(`not on machine ${query.machine_id.notin.join(', ')}`);
  if (query.verified?.eq === true) words.push('verified');
  if (query.avail_vol_size?.gte !== undefined) words.push(`space for a volume of ${query.avail_vol_size.gte} GB`);
  if (query.credit_discount_max) words.push('with a discount for paying ahead');
  if ((asked as { type?: unknown }).type === 'bid') words.push('interruptible');
  return words.join(', ') || 'anything';
}

const NOT_FILTERS = new Set(['type', 'sort', 'disk', 'rent', 'template', 'volume', 'wait', 'to', 'hours', 'in', 'out', 'bid', 'from', 'precision']);
/** How many filters are set: for the button that opens them on a small screen. */
export const filterCount = (query: URLSearchParams): number =>
  [...query.keys()].filter((key) => !NOT_FILTERS.has(key)).length;
