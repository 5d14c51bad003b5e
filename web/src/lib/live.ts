// SPDX-License-Identifier: Apache-2.0
/** What happens on the account, as it happens: the server's events, kept as one picture.
 *
 * The stream is read with fetch() since it carries the team's header. A listener first gets
 * everything, so one that comes back has missed nothing. Silence for longer than STALE_MS, the
 * stream's signs of life included, or instances that were asked for so long ago and did not
 * come, mean that what is shown may be old: pages say so. */
import type { Instance } from '#api';
import { call, expire, headers } from './api';
import { compare } from './news';
import { store } from './store';

/** What an instance was doing, at a time. */
export interface Sample {
  at: number; // Unix seconds
  gpu: number | null; // 0 to 1, like the rest
  cpu: number | null;
  memory: number | null;
  disk: number | null;
  degrees: number | null; // Celsius
}

export interface Live {
  isOpen: boolean;
  isStale: boolean;
  credit: number | null;
  earned: number | null;
  burnHour: number | null;
  instances: Map<number, Instance> | null;
}

const STALE_MS = 10000; // the server's sign of life comes every 4 s, as the balance does while something runs
const SAMPLES_MAX = 720; // an hour
const SAMPLE_PAUSE_S = 4;
const READ_PAUSE_MS = 120; // many events are one reading
const WAIT_MAX_MS = 15000;
const AGAIN_MS = 2000; // after a reading that failed
const nothing: Live = { isOpen: false, isStale: false, credit: null, earned: null, burnHour: null, instances: null };

export const live = store<Live>(nothing);
/** Of each instance, since this page was opened; the oldest first. */
export const samples = new Map<number, Sample[]>();

let stop: AbortController | null = null;
let heardAt = 0;
let askedAt = 0; // for instances, since they came last; 0: they are there
let watch = 0;
let frame = 0;
let reading = 0;
let next: Live = nothing;

/** Many events at once are one change of the picture. */
function publish(changes: Partial<Live>): void {
  next = { ...next, ...changes };
  if (frame) return;
  frame = window.setTimeout(() => {
    frame = 0;
    live.set(next);
  }, 16);
}

const part = (used: number | null, whole: number | null): number | null => (used === null || used < 0 || !whole ? null : used / whole);

function sample(one: Instance): void {
  const kept = samples.get(one.id) ?? [];
  const at = Date.now() / 1000;
  if (at - (kept.at(-1)?.at ?? 0) < SAMPLE_PAUSE_S) return;
  kept.push({ at, gpu: part(one.gpu_util, 100), cpu: one.cpu_util, memory: part(one.mem_usage, one.mem_limit), disk: part(one.disk_usage, one.disk_space), degrees: one.gpu_temp });
  samples.set(one.id, kept.slice(-SAMPLES_MAX));
}

/** Events say which instances have changed, and some of how; pages show all of them. */
async function readInstances(signal: AbortSignal): Promise<void> {
  const { instances } = await call('GET /api/v0/instances/', { signal });
  instances.forEach(sample);
  compare(instances);
  publish({ instances: new Map(instances.map((one) => [one.id, one])) });
}

/** Events come when something changes: who shows what is measured asks for it. */
export function readSoon(): void {
  if (reading || !stop) return;
  const { signal } = stop;
  askedAt ||= Date.now();
  reading = window.setTimeout(() => {
    reading = 0;
    readInstances(signal).then(() => { askedAt = 0; }, () => { if (!signal.aborted) setTimeout(readSoon, AGAIN_MS); });
  }, READ_PAUSE_MS);
}

const isOld = (): boolean => Date.now() - heardAt > STALE_MS || (askedAt > 0 && Date.now() - askedAt > STALE_MS);

function hear(event: string, data: string): void {
  const said = JSON.parse(data) as Record<string, number>;
  if (event === 'balance') {
    publish({ credit: said.credit ?? null, earned: said.balance ?? null, burnHour: said.burn_hour ?? null });
    if (!next.instances) readSoon();
  } else if (event === 'instance' || event === 'gone') {
    readSoon();
  }
}

function takeBlock(block: string): void {
  let event = '';
  let data = '';
  for (const line of block.split('\n')) {
    if (line.startsWith('event: ')) event = line.slice(7);
    else if (line.startsWith('data: ')) data += line.slice(6);
  }
  if (event && data) hear(event, data);
}

async function listen(signal: AbortSignal): Promise<void> {
  const reply = await fetch('/api/v0/events/', { headers: headers(), signal });
  if (reply.status === 401) expire();
  if (!reply.ok || !reply.body) throw new Error(`events: ${reply.status}`);
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';

  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    heardAt = Date.now();
    if (!next.isOpen || next.isStale) publish({ isOpen: true, isStale: isOld() });
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop() ?? '';
    blocks.forEach(takeBlock);
  }
}

async function keepListening(signal: AbortSignal): Promise<void> {
  for (let wait = 500; !signal.aborted; wait = Math.min(wait * 2, WAIT_MAX_MS)) {
    const began = Date.now();
    await listen(signal).catch(() => undefined);
    if (signal.aborted) return;
    if (Date.now() - began > WAIT_MAX_MS) wait = 500;
    publish({ isOpen: false });
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

export function startLive(): void {
  stopLive();
  stop = new AbortController();
  heardAt = Date.now();
  askedAt = 0;
  watch = window.setInterval(() => {
    const isStale = isOld();
    if (isStale !== next.isStale) publish({ isStale });
  }, 1000);
  void keepListening(stop.signal);
}

export function stopLive(): void {
  stop?.abort();
  stop = null;
  clearInterval(watch);
  clearTimeout(reading);
  reading = 0;
  next = nothing;
  live.set(nothing);
}
