// SPDX-License-Identifier: Apache-2.0
/** Where the reader is lies in the address: a path and its parameters, so that each view can be
 * linked to, gone back to and opened beside another. */
import { useEffect, useState } from 'preact/hooks';

export interface Place {
  path: string;
  query: URLSearchParams;
}

const listeners = new Set<() => void>();

/** With a slash behind it or without, it is the same place: providers of payments lead back to addresses with one. */
const here = (): Place => ({ path: location.pathname.replace(/(.)\/+$/, '$1'), query: new URLSearchParams(location.search) });
const tell = (): void => listeners.forEach((listener) => listener());

export function go(to: string, how: 'push' | 'replace' = 'push', state: unknown = null): void {
  if (to === location.pathname + location.search) return;
  const isElsewhere = to.split('?')[0] !== location.pathname;
  history[how === 'push' ? 'pushState' : 'replaceState'](state, '', to);
  if (isElsewhere) scrollTo(0, 0);
  tell();
}

type Changes = Record<string, string | null>;

/** The same place with other parameters; what is empty is left out. */
function changed(changes: Changes): string {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  return location.pathname + (text ? `?${text}` : '');
}

export const setQuery = (changes: Changes): void => go(changed(changes), 'replace');

/** A dialog over the place: going back closes it, and closing it goes back. */
const OVER = 'over';
export const openBy = (changes: Changes): void => go(changed(changes), 'push', OVER);
export function closeBy(changes: Changes): void {
  if (history.state === OVER) history.back();
  else setQuery(changes);
}

export function usePlace(): Place {
  const [place, setPlace] = useState(here);
  useEffect(() => {
    const update = (): void => setPlace(here());
    listeners.add(update);
    return () => void listeners.delete(update);
  }, []);
  return place;
}

/** Links are ordinary ones; those to this console go without loading it again. */
export function followLinks(): void {
  addEventListener('popstate', tell);
  document.addEventListener('click', (event) => {
    const link = (event.target as Element | null)?.closest?.('a');
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.pathname.startsWith('/api/') || link.pathname.includes('.')) return;
    if (link.hash && link.pathname === location.pathname) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
