// SPDX-License-Identifier: Apache-2.0
/** Long lists: what is far from the screen is not drawn, and takes the room that it took. */
import type { ComponentChildren, RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

const NEAR_PX = 900;

/** Whether an element is on the screen or near it. */
export function useNear(initial: boolean): [boolean, RefObject<HTMLDivElement>] {
  const [isNear, setNear] = useState(initial);
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!ref.current) return undefined;
    const watcher = new IntersectionObserver((seen) => setNear(seen.at(-1)?.isIntersecting ?? true), { rootMargin: `${NEAR_PX}px` });
    watcher.observe(ref.current);
    return () => watcher.disconnect();
  }, []);
  return [isNear, ref];
}

/** One of a list: drawn where it is near, or at once where `isFirst`; `height` in pixels until it was drawn. What has the focus,
 * or a dialog of its own, stays. */
export function Near({ isFirst, height, draw }: { isFirst: boolean; height: number; draw: () => ComponentChildren }) {
  const [isNear, ref] = useNear(isFirst);
  const known = useRef(height);
  const isDrawn = isNear || (ref.current?.contains(document.activeElement) ?? false) || (ref.current?.querySelector('dialog') ?? null) !== null;
  useEffect(() => { if (isDrawn && ref.current) known.current = ref.current.offsetHeight; });
  return <div ref={ref} style={isDrawn ? undefined : { height: `${known.current}px` }}>{isDrawn && draw()}</div>;
}
