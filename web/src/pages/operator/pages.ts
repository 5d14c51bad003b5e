// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import { sentence } from '../../lib/api';
import { useLoad } from '../../ui/parts';

interface Read<T> { rows: T[]; next: number | null }

/** Rows that come by pages, each asked for by the last id of the one before. */
export function usePages<T>(read: (after: number | null) => Promise<Read<T>>, on: unknown[] = []): {
  first: ReturnType<typeof useLoad<Read<T>>>; rows: T[]; hasMore: boolean; more: () => void; error: string | null;
} {
  const [rest, setRest] = useState<Read<T> | null>(null);
  const [error, setError] = useState<string | null>(null);
  const first = useLoad(() => { setRest(null); return read(null); }, on);
  const next = rest ? rest.next : (first.data?.next ?? null);
  const more = (): void => {
    read(next).then((page) => setRest({ rows: [...(rest?.rows ?? []), ...page.rows], next: page.next }), (reason: unknown) => setError(sentence(reason)));
  };
  return { first, rows: [...(first.data?.rows ?? []), ...(rest?.rows ?? [])], hasMore: next !== null, more, error };
}
