// SPDX-License-Identifier: Apache-2.0
/** The one way in which pages talk to the server: a route of api/, with its types.
 *
 *      const { instances } = await call('GET /api/v0/instances/{id}/', { path: { id: 7 } });
 *
 * The session is a cookie that no script can read. What changes something carries Berth-Csrf, which
 * logging in has answered and a page that comes back asks for. */
import type { ErrorCode, Routes } from '#api';

export type Route = keyof Routes;
type Values = Record<string, string | number | boolean | null | undefined>;

interface Options<R extends Route> {
  path?: Record<string, string | number>;
  query?: Values;
  body?: Routes[R]['request'];
  signal?: AbortSignal;
}

/** What the server refused, with its sentence. */
export class Refusal extends Error {
  constructor(readonly status: number, readonly code: ErrorCode | 'unreachable', text: string) {
    super(text);
  }
}

let csrf: string | null = null;
let team: number | null = null;
let onExpired: () => void = () => undefined;
let showFactor: () => Promise<boolean> = () => Promise.resolve(false);

export const setCsrf = (value: string | null): void => void (csrf = value);
export const setTeam = (id: number | null): void => void (team = id);
export const whenExpired = (act: () => void): void => void (onExpired = act);
/** What asks for a second factor once more, where an act needs it; true: it was shown. */
export const whenFactorNeeded = (act: () => Promise<boolean>): void => void (showFactor = act);

export function headers(): Record<string, string> {
  const sent: Record<string, string> = {};
  if (csrf) sent['Berth-Csrf'] = csrf;
  if (team) sent['Berth-Team'] = String(team);
  return sent;
}

function address(template: string, path: Record<string, string | number> = {}, query: Values = {}): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(path[name])));
  const words = Object.entries(query)
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`);
  return words.length > 0 ? `${filled}?${words.join('&')}` : filled;
}

/** Seconds after which a server that is too busy would answer; null where it does not say. */
const waitOf = (reply: Response): number | null =>
  (reply.status === 429 || reply.status === 503 ? Number(reply.headers.get('Retry-After')) || null : null);

async function refusalOf(reply: Response): Promise<Refusal> {
  const wait = waitOf(reply);
  if (wait !== null) return new Refusal(reply.status, 'rate_limit_exceeded', `The market has too much to do for you at this moment. Try again in ${wait === 1 ? 'a second' : `${wait} seconds`}.`);
  try {
    const said = (await reply.json()) as { error?: ErrorCode; msg?: string };
    return new Refusal(reply.status, said.error ?? 'internal_error', said.msg ?? `The server answered ${reply.status}.`);
  } catch {
    return new Refusal(reply.status, 'internal_error', `The server answered ${reply.status}.`);
  }
}

async function send(method: string, url: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const sent = headers();

  if (body !== undefined) sent['Content-Type'] = 'application/json';
  try {
    return await fetch(url, { method, headers: sent, body: body === undefined ? undefined : JSON.stringify(body), signal });
  } catch (error) {
    if (isAborted(error)) throw error;
    throw new Refusal(0, 'unreachable', 'The market cannot be reached. Check your connection, then try again.');
  }
}

const READ_TRIES = 3;
const READ_WAIT_MAX_S = 5;

/** What only reads waits for a server that is busy for some seconds; what changes something is for the reader to try again. */
async function ask(method: string, url: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  for (let i = 1; ; i++) {
    const reply = await send(method, url, body, signal);
    const wait = waitOf(reply);
    if (method !== 'GET' || wait === null || wait > READ_WAIT_MAX_S || i === READ_TRIES) return reply;
    await new Promise((resolve) => setTimeout(resolve, wait * 1000));
  }
}

/** The session that there was is over: by its end, or ended elsewhere. */
export function expire(): void {
  if (csrf) onExpired();
}

export async function call<R extends Route>(route: R, options: Options<R> = {}): Promise<Routes[R]['reply']> {
  const [method, template] = route.split(' ') as [string, string];
  const url = address(template, options.path, options.query);
  let reply = await ask(method, url, options.body, options.signal);

  if (!reply.ok) {
    let refusal = await refusalOf(reply);
    const isFactor = reply.status === 401 && refusal.message.includes('Two Factor Authentication');
    if (isFactor && (await showFactor())) {
      reply = await send(method, url, options.body, options.signal);
      if (!reply.ok) refusal = await refusalOf(reply);
    }
    if (!reply.ok) {
      if (reply.status === 401 && refusal.code === 'auth_error' && !isFactor) expire();
      throw refusal;
    }
  }
  const type = reply.headers.get('Content-Type') ?? '';
  return (type.startsWith('application/json') ? await reply.json() : await reply.text()) as Routes[R]['reply'];
}

export const sentence = (error: unknown): string =>
  error instanceof Error ? error.message : 'Something went wrong. Try again.';

export const isAborted = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';
