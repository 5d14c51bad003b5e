// SPDX-License-Identifier: Apache-2.0
/** An instance's move to another machine, as `berth migrate` makes it: stop it, rent there what it runs, bring all its files,
 * start that with them, and destroy the old one last. Whatever fails before that leaves the old one as it was, and costs a
 * second rental for a while. How far it is lies in this browser, so that a page that was closed can go on with it. */
import type { Instance, InstanceCreateRequest, Offer } from '#api';
import { call, sentence } from './api';
import { avoided } from './avoid';
import { store } from './store';

export const STEPS = ['stop', 'rent', 'start', 'keys', 'copy', 'restart', 'destroy', 'done'] as const;
export type Step = (typeof STEPS)[number];

export interface Move {
  from: number;
  offer: number;
  price: number | null; // of a bid, an hour in all
  keeps: boolean; // the old one, stopped
  to: number | null; // once it is rented
  step: Step; // the next one
  said: string; // what goes on, or what has failed
  isOn: boolean;
}

const KEPT = 'berth-moves';
const PAUSE_MS = 1000;
const STOP_TRIES = 300;
const START_TRIES = 1800;
const COPY_TRIES = 24 * 3600;
const SETTLE_TRIES = 15; // after a restart was asked for, until its host has heard of that

const read = (): Move[] => {
  try {
    return (JSON.parse(localStorage.getItem(KEPT) ?? '[]') as Move[]).map((one) => ({ ...one, isOn: false }));
  } catch {
    return [];
  }
};

export const moves = store<Move[]>(read());

function keep(move: Move): Move {
  const rest = moves.get().filter(({ from }) => from !== move.from);
  moves.set([...rest, move]);
  localStorage.setItem(KEPT, JSON.stringify(moves.get().filter(({ step }) => step !== 'done')));
  return move;
}

export function forgetMove(from: number): void {
  moves.set(moves.get().filter((one) => one.from !== from));
  localStorage.setItem(KEPT, JSON.stringify(moves.get()));
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

async function instanceOf(id: number): Promise<Instance> {
  const { instances: one } = await call('GET /api/v0/instances/{id}/', { path: { id } });
  if (!one) throw new Error(`Instance ${id} is gone.`);
  return one;
}

async function until(tries: number, what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < tries; i++, await pause()) if (await isSo()) return;
  throw new Error(what);
}

/** Why it cannot go, for who looks before anything is rented. */
export function whyNot(one: Instance): string | null {
  if (one.encrypted_workspace > 0) return 'It has an encrypted /workspace, which nobody reads while it is stopped. Start it, and copy what is in there yourself.';
  if (one.volume_info.length > 0) return `It mounts volume ${one.volume_info[0]?.id ?? ''}, which cannot leave its machine.`;
  return null;
}

/** The same, elsewhere: its image, settings and variables; not its volumes, nor the passwords of a registry. */
function rentalOf(one: Instance, price: number | null): InstanceCreateRequest {
  const body: InstanceCreateRequest = { image: one.image_uuid, disk: one.disk_space, runtype: one.image_runtype, label: one.label, onstart: one.onstart, cancel_unavail: true,
    env: one.extra_env.filter((pair) => !String((pair as unknown[])[0]).startsWith('-v ')) };
  if (one.image_args.length > 0) body.args = one.image_args;
  if (price !== null) body.price = price;
  return body;
}

/** The cheapest with the same GPUs on another machine. */
export async function offersFor(one: Instance): Promise<Offer[]> {
  const body: Record<string, unknown> = { num_gpus: { eq: one.num_gpus }, rentable: { eq: true }, machine_id: { notin: [one.machine_id, ...avoided.get()] }, disk_space: { gte: Math.ceil(one.disk_space) },
    order: [['dph_total', 'asc']], type: one.is_bid ? 'bid' : 'on-demand', allocated_storage: Math.ceil(one.disk_space), limit: 5 };
  if (one.gpu_name) body.gpu_name = { eq: one.gpu_name };
  return (await call('POST /api/v0/bundles/', { body })).offers;
}

const isQuiet = (one: Instance): boolean => one.actual_status !== 'running' && one.actual_status !== 'loading';

async function start(to: number): Promise<void> {
  await until(START_TRIES, `Instance ${to} does not start.`, async () => {
    const one = await instanceOf(to);
    if (one.intended_status !== 'running') throw new Error(one.stop_message || `Instance ${to} is stopped.`);
    return one.actual_status === 'running';
  });
}

async function copyAll(from: number, to: number, tell: (said: string) => void): Promise<void> {
  const { result_url: url } = await call('PUT /api/v0/commands/copy_direct/', { body: { src_id: from, src_path: '/', dst_id: to, dst_path: '/' } });
  if (!url) throw new Error('The market does not say where the end of the copy is told.');
  const { pathname } = new URL(url);
  let said = '';
  await until(COPY_TRIES, 'The copy does not end.', async () => {
    const reply = await fetch(pathname);
    if (reply.ok) { said = await reply.text(); return true; }
    tell((await instanceOf(to)).status_msg);
    return false;
  });
  if (!said.startsWith('done')) throw new Error(said.trim() || 'The copy failed, and nobody says why.');
}

/** Keys of the account open the new one as it is; others were let in by hand. */
async function bringKeys(from: number, to: number): Promise<void> {
  const keys = JSON.parse((await call('GET /api/v0/instances/{id}/ssh/', { path: { id: from } })).ssh_keys) as { public_key: string }[];
  for (const { public_key: key } of keys) await call('POST /api/v0/instances/{id}/ssh/', { path: { id: to }, body: { ssh_key: key } });
}

async function restart(to: number): Promise<void> {
  const before = (await instanceOf(to)).uptime_mins;
  await call('PUT /api/v0/instances/reboot/{id}/', { path: { id: to } });
  for (let i = 0; i < SETTLE_TRIES; i++, await pause()) {
    const one = await instanceOf(to);
    if (one.actual_status !== 'running' || (before !== null && one.uptime_mins !== null && one.uptime_mins < before)) break;
  }
  await start(to);
}

/** One step; what it answers is what the move is then. */
async function take(move: Move, tell: (said: string) => void): Promise<Partial<Move>> {
  const { from, to } = move;
  if (move.step === 'stop') {
    if ((await instanceOf(from)).intended_status !== 'stopped') await call('PUT /api/v0/instances/{id}/', { path: { id: from }, body: { state: 'stopped' } });
    await until(STOP_TRIES, `Instance ${from} does not stop.`, async () => isQuiet(await instanceOf(from)));
    return {};
  }
  if (move.step === 'rent') {
    const made = await call('PUT /api/v0/asks/{id}/', { path: { id: move.offer }, body: rentalOf(await instanceOf(from), move.price) });
    return { to: made.new_contract };
  }
  if (to === null) throw new Error('Nothing is rented for it.');
  if (move.step === 'start') await start(to);
  if (move.step === 'keys') await bringKeys(from, to);
  if (move.step === 'copy') await copyAll(from, to, tell);
  if (move.step === 'restart') await restart(to);
  if (move.step === 'destroy' && !move.keeps) await call('DELETE /api/v0/instances/{id}/', { path: { id: from } });
  return {};
}

/** From where it is to its end. */
export async function goOn(begun: Move): Promise<void> {
  let move = keep({ ...begun, isOn: true, said: '' });
  const tell = (said: string): void => { if (said !== move.said) move = keep({ ...move, said }); };
  try {
    while (move.step !== 'done') {
      const changes = await take(move, tell);
      move = keep({ ...move, ...changes, said: '', step: STEPS[STEPS.indexOf(move.step) + 1] ?? 'done' });
    }
    keep({ ...move, isOn: false });
  } catch (error) {
    keep({ ...move, isOn: false, said: sentence(error) });
  }
}
