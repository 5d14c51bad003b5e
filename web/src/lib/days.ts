// SPDX-License-Identifier: Apache-2.0
/** Days as the market counts them: in UTC, where none has 23 hours. */
export const DAY_S = 86400;

export const now = (): number => Date.now() / 1000;
export const today = (): number => Math.floor(now() / DAY_S);

/** "2026-11-30", of days since 1970-01-01; and back, or null. */
export const dayText = (day: number): string => new Date(day * DAY_S * 1000).toISOString().slice(0, 10);
export function dayParse(text: string | null): number | null {
  const at = /^\d{4}-\d\d-\d\d$/.test(text ?? '') ? Date.parse(`${text}T00:00:00Z`) : NaN;
  return Number.isNaN(at) ? null : at / 1000 / DAY_S;
}

export const monthText = (day: number): string => dayText(day).slice(0, 7);

/** The months before and with that of a day, the newest first. */
export function monthsUntil(day: number, count: number): string[] {
  const date = new Date(day * DAY_S * 1000);
  return Array.from({ length: count }, (_, i) => new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - i, 1)).toISOString().slice(0, 7));
}

/** When the market's week ends: Friday at 00:00. 1970-01-01 was a Thursday. */
export const nextFriday = (): number => (Math.floor((today() - 1) / 7) * 7 + 8) * DAY_S;
