// SPDX-License-Identifier: Apache-2.0
/** What a key or a role may be let do: nothing, see, or see and change, of each part of the account. */
export type Level = 'none' | 'read' | 'write';

/** Of a part: its name, what it is, and the categories that seeing and changing it take. */
export const AREAS: [name: string, hint: string, read: string, write: string | null][] = [
  ['User', 'The account, its keys and settings', 'user_read', 'user_write'],
  ['Machines', 'Its own machines: listing, prices, jobs', 'machine_read', 'machine_write'],
  ['Instances', 'Renting, starting, stopping, destroying', 'instance_read', 'instance_write'],
  ['Billing / Earning', 'Bills, payments, payouts', 'billing_read', 'billing_write'],
  ['Team', 'Members and their roles', 'team_read', 'team_write'],
  ['Misc', 'The rest of the market', 'misc', null],
];
const COUNT = AREAS.flatMap(([, , read, write]) => (write ? [read, write] : [read])).length;

const within = (rights: unknown): Record<string, unknown> => (rights as { api?: Record<string, unknown> } | null)?.api ?? {};

export const scopesOf = (rights: unknown): string[] => Object.keys(within(rights));

export function levelOf(scopes: string[], read: string, write: string | null): Level {
  if (write !== null && scopes.includes(write)) return 'write';
  return scopes.includes(read) ? 'read' : 'none';
}

/** With another level for one part. Changing takes seeing. */
export function withLevel(scopes: string[], read: string, write: string | null, level: Level): string[] {
  const rest = scopes.filter((one) => one !== read && one !== write);
  return level === 'none' ? rest : level === 'read' || write === null ? [...rest, read] : [...rest, read, write];
}

export const scopeWords = (rights: unknown): string => {
  const scopes = scopesOf(rights);
  if (scopes.length >= COUNT) return 'everything';
  return AREAS.flatMap(([name, , read, write]) => {
    const level = levelOf(scopes, read, write);
    return level === 'none' ? [] : [`${name}: ${level === 'write' ? 'read and write' : 'read'}`];
  }).join(', ');
};

/** `limits`: what is said of some category more narrowly than all of it. */
export const rightsOf = (scopes: string[], limits: Record<string, unknown> = {}): unknown =>
  ({ api: Object.fromEntries(scopes.map((scope) => [scope, limits[scope] ?? {}])) });
