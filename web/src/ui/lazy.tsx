// SPDX-License-Identifier: Apache-2.0
/** Pages that come as files of their own, when somebody goes there: the first page does not wait for all others. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Button, Notice, Skeleton } from './parts';

export type Shown = ComponentType<{ id: number }>;
export type Lazy = Shown & { fetch: () => Promise<Shown> };

/** The page that a file holds; it is asked for once, and again where that failed. */
export function lazy(load: () => Promise<Shown>): Lazy {
  let found: Shown | null = null;
  let coming: Promise<Shown> | null = null;
  const fetch = (): Promise<Shown> => {
    coming ??= load().then((page) => (found = page), (reason: unknown) => { coming = null; throw reason; });
    return coming;
  };
  function Page({ id }: { id: number }) {
    const [isFailed, setFailed] = useState(false);
    const [, again] = useState(0);
    useEffect(() => {
      let isGone = false;
      fetch().then(() => { if (!isGone) again(1); }, () => { if (!isGone) setFailed(true); });
      return () => { isGone = true; };
    }, []);
    if (found) { const Found = found; return <Found id={id} />; }
    /* The market may have another console by now, whose files have other names. */
    if (isFailed) return <Notice kind="bad" action={<Button onClick={() => location.reload()}>Load it again</Button>}>This page did not come.</Notice>;
    return <Skeleton rows={4} />;
  }
  return Object.assign(Page, { fetch });
}
