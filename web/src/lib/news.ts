// SPDX-License-Identifier: Apache-2.0
/** What has happened to instances since this browser looked last, for the bell: told by comparing what they are with
 * what they were, which is kept here over visits. Where it stopped, the server's own sentence says why. */
import type { Instance } from '#api';
import { store } from './store';

export interface News {
  at: number; // Unix seconds
  text: string;
  link: string;
  isBad: boolean;
  isRead: boolean;
}

const KEPT = 'berth-news';
const KNOWN = 'berth-known';
const NEWS_MAX = 50;

type Known = Record<string, string>; // by instance: how it was, in a word

function kept<T>(key: string, otherwise: T): T {
  try {
    return (JSON.parse(localStorage.getItem(key) ?? 'null') as T | null) ?? otherwise;
  } catch {
    return otherwise;
  }
}

export const news = store<News[]>(kept<News[]>(KEPT, []));

function keep(list: News[]): void {
  localStorage.setItem(KEPT, JSON.stringify(list));
  news.set(list);
}

export const readNews = (): void => keep(news.get().map((one) => ({ ...one, isRead: true })));

/** Another account's are nobody's business here. */
export function forgetNews(): void {
  localStorage.removeItem(KNOWN);
  keep([]);
}

const wordOf = (one: Instance): string => `${one.intended_status} ${one.actual_status ?? ''} ${one.stop_reason ?? ''}`;

function tell(one: Instance, was: string | undefined): Omit<News, 'at' | 'isRead'> | null {
  const name = one.label || `Instance ${one.id}`;
  const link = `/instances/${one.id}`;
  const [, before = ''] = was?.split(' ') ?? [];
  if (one.actual_status === 'offline') return { text: `${name}: its host is out of contact.`, link, isBad: true };
  if (one.actual_status === 'exited') return { text: `${name}: its command has ended.`, link, isBad: false };
  if (one.actual_status === 'running' && before !== 'rebooting') return { text: `${name} runs.`, link, isBad: false };
  if (one.stop_reason && one.stop_message) return { text: `${name}: ${one.stop_message}`, link: `${link}?tab=history`, isBad: one.intended_status === 'running' };
  return null;
}

export function compare(instances: Instance[]): void {
  const known = kept<Known>(KNOWN, {});
  const next: Known = {};
  const fresh: News[] = [];
  for (const one of instances) {
    const was = known[one.id];
    const word = wordOf(one);
    next[one.id] = word;
    const told = word === was ? null : tell(one, was);
    if (told) fresh.push({ ...told, at: Date.now() / 1000, isRead: false });
  }
  for (const id of Object.keys(known)) if (!next[id]) fresh.push({ text: `Instance ${id} is gone.`, link: '/instances', isBad: false, at: Date.now() / 1000, isRead: false });
  localStorage.setItem(KNOWN, JSON.stringify(next));
  if (fresh.length > 0) keep([...fresh, ...news.get()].slice(0, NEWS_MAX));
}
