// SPDX-License-Identifier: Apache-2.0
/** The offers of a search: the first are there at once, the rest comes as the reader nears it, and no more are drawn than
 * lie around what is seen, so that thousands cost no more than a screenful. */
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Offer } from '#api';
import { call, isAborted, sentence } from '../../lib/api';
import { FIRST, OFFERS_MAX, PAGE } from '../../lib/query';

const AGAIN_MS = 10000; // what others rent goes, what they leave comes
const NEAR_PX = 900;
const CHUNK = 12;
const HEIGHT_PX = 142; // of an offer that was never drawn

export interface Offers {
  offers: Offer[] | null;
  hasMore: boolean;
  error: string | null;
  more: () => void;
  reload: () => void;
}

/** The offers of a search, and the last ones while the next are on their way. */
export function useOffers(asked: string, who: string): Offers {
  const [found, setFound] = useState<{ asked: string; offers: Offer[] } | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [wish, setWish] = useState({ asked, limit: FIRST });
  const [turn, setTurn] = useState(0);
  const limit = wish.asked === asked ? wish.limit : FIRST;
  useEffect(() => {
    const stop = new AbortController();
    call('POST /api/v0/bundles/', { body: { ...JSON.parse(asked), limit }, signal: stop.signal }).then(
      ({ offers }) => { setFound({ asked, offers }); setError(null); },
      (reason: unknown) => { if (!isAborted(reason)) setError(sentence(reason)); },
    );
    return () => stop.abort();
  }, [asked, who, limit, turn]);
  useEffect(() => {
    const timer = setInterval(() => { if (document.visibilityState === 'visible') setTurn((at) => at + 1); }, AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  const hasMore = found?.asked === asked && found.offers.length === limit && limit < OFFERS_MAX;
  const more = (): void => { if (hasMore) setWish({ asked, limit: Math.min(OFFERS_MAX, limit < PAGE ? PAGE : limit * 2) }); };
  return { offers: found?.offers ?? null, hasMore, error, more, reload: () => setTurn((at) => at + 1) };
}

/** Whether an element is on the screen or near it. */
function useNear(initial: boolean): [boolean, preact.RefObject<HTMLDivElement>] {
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

/** Some offers, or the room that they take. */
function Chunk({ offers, isFirst, draw }: { offers: Offer[]; isFirst: boolean; draw: (offer: Offer) => ComponentChildren }) {
  const [isNear, ref] = useNear(isFirst);
  const height = useRef(0);
  useLayoutEffect(() => { if (isNear && ref.current) height.current = ref.current.offsetHeight; });
  return (
    <div ref={ref} class="stack" style={isNear ? undefined : { height: `${height.current || HEIGHT_PX * offers.length}px` }}>
      {isNear && offers.map(draw)}
    </div>
  );
}

function End({ more }: { more: () => void }) {
  const [isNear, ref] = useNear(false);
  useEffect(() => { if (isNear) more(); });
  return <div ref={ref} class="skeleton" style={{ height: '60px' }} role="status" aria-label="More offers are coming" />;
}

export function OfferList({ list, draw }: { list: Offers; draw: (offer: Offer) => ComponentChildren }) {
  const offers = list.offers ?? [];
  const chunks = Array.from({ length: Math.ceil(offers.length / CHUNK) }, (_, i) => offers.slice(i * CHUNK, (i + 1) * CHUNK));
  return (
    <>
      {chunks.map((chunk, i) => <Chunk key={i} offers={chunk} isFirst={i === 0} draw={draw} />)}
      {list.hasMore && <End more={list.more} />}
    </>
  );
}
