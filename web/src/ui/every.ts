// SPDX-License-Identifier: Apache-2.0
import { useEffect } from 'preact/hooks';
import { useLoad } from './parts';

const EVERY_MS = 5000;

/** Read again every few seconds, while somebody looks: for what no event tells of. */
export function useEvery<T>(load: () => Promise<T>, on: unknown[] = []): ReturnType<typeof useLoad<T>> {
  const loaded = useLoad(load, on);
  useEffect(() => {
    const timer = setInterval(() => { if (document.visibilityState === 'visible') loaded.reload(); }, EVERY_MS);
    return () => clearInterval(timer);
  }, on);
  return loaded;
}
