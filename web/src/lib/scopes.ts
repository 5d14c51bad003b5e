// SPDX-License-Identifier: Apache-2.0
/** What a key or a role may be let do; the rest of a scope's name says to what. */
export const SCOPES: [string, string][] = [
  ['instance_read', 'See instances'], ['instance_write', 'Rent, start, stop and destroy instances'],
  ['user_read', 'See the account'], ['user_write', 'Change the account and its keys'],
  ['billing_read', 'See bills'], ['billing_write', 'Move credit'],
  ['machine_read', 'See own machines'], ['machine_write', 'List and change own machines'],
  ['team_read', 'See the team'], ['team_write', 'Change the team'], ['misc', 'The rest of the market'],
];

const within = (rights: unknown): Record<string, unknown> => (rights as { api?: Record<string, unknown> } | null)?.api ?? {};

export const scopesOf = (rights: unknown): string[] => Object.keys(within(rights));
export const scopeWords = (rights: unknown): string => {
  const names = scopesOf(rights);
  return names.length >= SCOPES.length ? 'everything' : names.join(', ');
};
export const rightsOf = (scopes: string[]): unknown => ({ api: Object.fromEntries(scopes.map((scope) => [scope, {}])) });
