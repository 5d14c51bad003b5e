// SPDX-License-Identifier: Apache-2.0
/** Numbers as people read them. Money comes as dollars; small rates keep the digits that differ. */

/** Made once for each number of places: making one takes longer than all that it formats on a page. */
const formats = new Map<number, Intl.NumberFormat>();

function decimal(value: number, least: number, most: number): string {
  const key = least * 100 + most;
  let format = formats.get(key);
  if (!format) formats.set(key, (format = new Intl.NumberFormat('en-US', { minimumFractionDigits: least, maximumFractionDigits: most })));
  return format.format(value).replace(/^-(?=[0.,]+$)/, '');
}

export function money(value: number, digits?: number): string {
  const size = Math.abs(value);
  const places = digits ?? (size === 0 || size >= 1 ? 2 : size >= 0.01 ? 3 : 5);
  const text = decimal(size, Math.min(2, places), places);
  return `${value < 0 ? '−' : ''}$${text}`;
}

export const rate = (perHour: number): string => `${money(perHour, Math.abs(perHour) < 0.1 ? 4 : 3)}/h`;
export const day = (perHour: number): string => `${money(perHour * 24)}/day`;
/** The market's month has 720 hours. */
export const MONTH_HOURS = 720;
export const GB_MB = 1024;
/** The market's TB, by which traffic is priced. */
export const GB_PER_TB = 1024;
/** Down and up, in the unit that suits the faster: from 1,000 Mbit/s on, Gbit/s. */
export function traffic(down: number | null, up: number | null): [string, string] {
  const isFast = Math.max(down ?? 0, up ?? 0) >= 1000;
  const shown = (mbit: number | null): string => (isFast && mbit !== null ? number(mbit / 1000, 1) : number(mbit));
  return [`↓ ${shown(down)} ↑ ${shown(up)}`, isFast ? 'Gbit/s' : 'Mbit/s'];
}
export const network = (down: number | null, up: number | null): string => traffic(down, up).join(' ');

export const perTb = (perGb: number): number => perGb * GB_PER_TB;

export function number(value: number | null | undefined, digits = 0): string {
  if (value === null || value === undefined) return '–';
  return decimal(value, 0, digits);
}

export const percent = (part: number, digits = 0): string => `${number(part * 100, digits)} %`;
export const gb = (mb: number | null): string => (mb === null ? '–' : `${number(mb / GB_MB, mb < 10 * GB_MB ? 1 : 0)} GB`);

export function duration(seconds: number | null): string {
  if (seconds === null) return 'no end';
  if (seconds < 0) return 'over';
  const units: [number, string][] = [[86400 * 30, 'mo'], [86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const at = units.findIndex(([size]) => seconds >= size);
  if (at < 0) return '0 s';
  const [size, name] = units[at] as [number, string];
  const whole = Math.floor(seconds / size);
  const below = units[at + 1];
  const rest = below ? Math.floor((seconds % size) / below[0]) : 0;
  return below && rest > 0 && whole < 10 ? `${whole} ${name} ${rest} ${below[1]}` : `${whole} ${name}`;
}

export function moment(seconds: number | string | null): string {
  if (seconds === null) return '–';
  const date = typeof seconds === 'number' ? new Date(seconds * 1000) : new Date(seconds);
  return date.toLocaleString('en-GB', { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
}

/** A day of the market's: its days, weeks and months are UTC, wherever the reader is. */
export const dayOf = (seconds: number): string =>
  new Date(seconds * 1000).toLocaleDateString('en-GB', { timeZone: 'UTC', year: 'numeric', month: 'short', day: 'numeric' });

export const ago = (seconds: number): string => `${duration(Math.max(0, Date.now() / 1000 - seconds))} ago`;
/** "24, 6 and 1" */
export const listed = (parts: (string | number)[]): string =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
export const plural = (count: number, one: string, many = `${one}s`): string => `${number(count)} ${count === 1 ? one : many}`;
