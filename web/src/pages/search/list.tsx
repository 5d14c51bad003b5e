// SPDX-License-Identifier: Apache-2.0
/** The offers of a search: the first are there at once, the rest comes as the reader nears it, and no more are drawn than
 * lie around what is seen, so that thousands cost no more than a screenful. */
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Offer } from '#api';
import { call, isAborted, sentence } from '../../lib/api';
import { narrowed, type Asked } from '../../lib/narrow';
import { FIRST, OFFERS_MAX, PAGE } from '../../lib/query';
import { useNear } from '../../ui/near';

const AGAIN_MS = 10000; // what others rent goes, what they leave comes
const HEIGHT_PX = 142; // of an offer that was never drawn
/** As many as fill the screen, below what stands above the list. */
const CHUNK = Math.min(16, Math.max(4, Math.ceil((innerHeight - 150) / HEIGHT_PX)));

export interface Offers {
  offers: Offer[] | null;
  query: URLSearchParams; // the one that these offers were found by
  hasMore: boolean;
  isOfThis: boolean; // search, found by the server or among what it has found; else of the last one
  error: string | null;
  more: () => void;
  reload: () => void;
}

interface Found { who: string; asked: string; query: URLSearchParams; offers: Offer[]; isWhole: boolean; at: number }

const KEPT_MAX = 6; // searches that are remembered
const KEPT_MS = 30000;
const SOON_MS = 200; // once a screenful is painted
const NONE: Offer[] = [];

const CLOCKS = new Set(['duration', 'time_remaining', 'time_remaining_isbid']); // these run by themselves
const RUN_MAX_S = 60;

function isSame(was: Offer, now: Offer): boolean {
  if (Math.abs((was.duration ?? 0) - (now.duration ?? 0)) > RUN_MAX_S) return false;
  return (Object.keys(now) as (keyof Offer)[]).every((name) => was[name] === now[name] || CLOCKS.has(name) ||
    (typeof now[name] === 'object' && JSON.stringify(was[name]) === JSON.stringify(now[name])));
}

/** An offer that is as it was stays the same object: nothing of it is drawn anew then. */
function keepSame(offers: Offer[], known: Offer[]): Offer[] {
  const before = new Map(known.map((one) => [one.id, one]));
  return offers.map((now) => {
    const was = before.get(now.id);
    return was && isSame(was, now) ? was : now;
  });
}

/** What a search finds of what others have found lately: the first that the server is going to answer. Nothing where that is
 * not enough to be shown: none at all, or less than a screen of more. */
function early(kept: Found[], who: string, asked: string): { offers: Offer[]; isWhole: boolean } | null {
  const now = JSON.parse(asked) as Asked;
  for (const one of kept) {
    if (one.who !== who || Date.now() - one.at > KEPT_MS) continue;
    const offers = narrowed(one.offers, JSON.parse(one.asked) as Asked, now);
    if (offers && (one.isWhole || offers.length >= CHUNK)) return { offers, isWhole: one.isWhole };
  }
  return null;
}

/** The offers of a search. Until the server has answered: what is known of them already, else the last ones. */
export function useOffers(asked: string, query: URLSearchParams, who: string): Offers {
  const [found, setFound] = useState<Found | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [wish, setWish] = useState({ asked: '', limit: FIRST }); // of one who has come near the end
  const [turn, setTurn] = useState(0);
  const kept = useRef<Found[]>([]);
  const isThere = found?.asked === asked && found.who === who;
  const guess = useMemo(() => (isThere ? null : early(kept.current, who, asked)), [isThere, who, asked]);
  /* What is shown already is asked for at once, not a screenful first. */
  const first = useRef({ asked: '', limit: FIRST });
  if (first.current.asked !== asked) first.current = { asked, limit: !guess ? FIRST : Math.max(PAGE, guess.isWhole ? guess.offers.length + 1 : 0) };
  const limit = wish.asked === asked ? wish.limit : first.current.limit;
  const shown = isThere ? found.offers : (guess?.offers ?? found?.offers ?? null);
  const last = useRef<Offer[]>(NONE);
  if (shown) last.current = shown;
  /* Before the page is painted, not after: the answer is on its way meanwhile. */
  useLayoutEffect(() => {
    const stop = new AbortController();
    call('POST /api/v0/bundles/', { body: { ...JSON.parse(asked), limit }, signal: stop.signal }).then(
      ({ offers }) => {
        const one = { who, asked, query, offers: keepSame(offers, last.current), isWhole: offers.length < limit, at: Date.now() };
        kept.current = [one, ...kept.current.filter((other) => other.asked !== asked)].slice(0, KEPT_MAX);
        setFound(one);
        setError(null);
      },
      (reason: unknown) => { if (!isAborted(reason)) setError(sentence(reason)); },
    );
    return () => stop.abort();
  }, [asked, who, limit, turn]);
  useEffect(() => {
    const timer = setInterval(() => { if (document.visibilityState === 'visible') setTurn((at) => at + 1); }, AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  const hasMore = isThere ? !found.isWhole && limit < OFFERS_MAX : !(guess ?? found ?? { isWhole: true }).isWhole;
  const more = (): void => { if (isThere && hasMore) setWish({ asked, limit: Math.min(OFFERS_MAX, limit < PAGE ? PAGE : limit * 2) }); };
  /* So that most filters can be answered by what is there. */
  useEffect(() => {
    if (!hasMore || limit >= PAGE) return undefined;
    const timer = setTimeout(more, SOON_MS);
    return () => clearTimeout(timer);
  }, [isThere, hasMore, limit]);
  return { offers: shown, query: isThere ? found.query : guess ? query : (found?.query ?? query), hasMore, isOfThis: isThere || guess !== null, error, more, reload: () => setTurn((at) => at + 1) };
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
  const drawn = useMemo(() => isDrawn && offers.map((offer, i) => draw(offer, first + i)), [isDrawn, ...on, ...offers]);
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
