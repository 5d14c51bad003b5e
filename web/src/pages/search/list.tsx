// SPDX-License-Identifier: Apache-2.0
/** The offers of a search: the first are there at once, the rest comes as the reader nears it, and no more are drawn than
 * lie around what is seen, so that thousands cost no more than a screenful. */
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Offer } from '#api';
import { call, isAborted, sentence } from '../../lib/api';
import { FIRST, OFFERS_MAX, PAGE } from '../../lib/query';

const AGAIN_MS = 10000; // what others rent goes, what they leave comes
const NEAR_PX = 900;
const HEIGHT_PX = 142; // of an offer that was never drawn
/** As many as fill the screen, below what stands above the list. */
const CHUNK = Math.min(16, Math.max(4, Math.ceil((innerHeight - 150) / HEIGHT_PX)));

export interface Offers {
  offers: Offer[] | null;
  query: URLSearchParams; // the one that these offers were found by
  hasMore: boolean;
  error: string | null;
  more: () => void;
  reload: () => void;
}

/** The offers of a search, and the last ones while the next are on their way. */
export function useOffers(asked: string, query: URLSearchParams, who: string): Offers {
  const [found, setFound] = useState<{ asked: string; query: URLSearchParams; offers: Offer[] } | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [wish, setWish] = useState({ asked, limit: FIRST });
  const [turn, setTurn] = useState(0);
  const limit = wish.asked === asked ? wish.limit : FIRST;
  /* Before the page is painted, not after: the answer is on its way meanwhile. */
  useLayoutEffect(() => {
    const stop = new AbortController();
    call('POST /api/v0/bundles/', { body: { ...JSON.parse(asked), limit }, signal: stop.signal }).then(
      ({ offers }) => { setFound({ asked, query, offers }); setError(null); },
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
  return { offers: found?.offers ?? null, query: found?.query ?? query, hasMore, error, more, reload: () => setTurn((at) => at + 1) };
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

type Draw = (offer: Offer, place: number) => ComponentChildren;

const areSame = (some: Offer[], others: Offer[]): boolean => some.length === others.length && some.every((one, i) => one.id === others[i]?.id);

/** What has come below the screen is drawn once that on it is painted. */
function useLater(offers: Offer[], first: number): Offer[] | null {
  const [late, setLate] = useState(offers);
  useEffect(() => setLate(offers), [offers]);
  return first > 0 && scrollY < HEIGHT_PX && late !== offers && !areSame(late, offers) ? null : offers;
}

/** Some offers, or the room that they take. What was drawn stays as it is until there are other offers, or `on` has changed. */
function Chunk({ offers, first, draw, on }: { offers: Offer[]; first: number; draw: Draw; on: unknown[] }) {
  const [isNear, ref] = useNear(first === 0);
  const shown = useLater(offers, first);
  const isDrawn = isNear && shown !== null;
  const drawn = useMemo(() => isDrawn && offers.map((offer, i) => draw(offer, first + i)), [isDrawn, offers, ...on]);
  const height = useRef(0);
  useEffect(() => { if (isDrawn && ref.current) height.current = ref.current.offsetHeight; }, [isDrawn, drawn]);
  return (
    <div ref={ref} class="stack" style={isDrawn ? undefined : { height: `${height.current || HEIGHT_PX * offers.length}px` }}>
      {drawn}
    </div>
  );
}

function End({ more }: { more: () => void }) {
  const [isNear, ref] = useNear(false);
  useEffect(() => { if (isNear) more(); });
  return <div ref={ref} class="skeleton" style={{ height: '60px' }} role="status" aria-label="More offers are coming" />;
}

export function OfferList({ list, draw, on }: { list: Offers; draw: Draw; on: unknown[] }) {
  const { offers } = list;
  const chunks = useMemo(() => Array.from({ length: Math.ceil((offers?.length ?? 0) / CHUNK) }, (_, i) => (offers ?? []).slice(i * CHUNK, (i + 1) * CHUNK)), [offers]);
  return (
    <>
      {chunks.map((chunk, i) => <Chunk key={i} offers={chunk} first={i * CHUNK} draw={draw} on={on} />)}
      {list.hasMore && <End more={list.more} />}
    </>
  );
}
