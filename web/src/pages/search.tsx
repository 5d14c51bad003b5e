// SPDX-License-Identifier: Apache-2.0
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Offer } from '#api';
import { call } from '../lib/api';
import { avoided } from '../lib/avoid';
import { ANY, COUNTS, DEFAULTS, diskOf, filterCount, hasDefaults, isBid, isReserved, searchOf, SORTS } from '../lib/query';
import { closeBy, go, openBy, setQuery, usePlace } from '../lib/router';
import { session } from '../lib/session';
import { useStore } from '../lib/store';
import { askWhetherYoung, young } from '../lib/young';
import { Button, Empty, Notice, Page, Segments, Select, Skeleton, useLoad } from '../ui/parts';
import { Filters } from './search/filters';
import { OfferList, useOffers } from './search/list';
import { OfferCard, useChoices } from './search/offer';
import { Models, Places } from './search/pick';
import { RentDialog } from './search/rent';
import { fitsOf, useTemplate } from './search/template';
import { WaitDialog } from './search/wait';

/** How soon an instance of the image that was rented last would run, by machine. */
function useStarts(offers: Offer[] | null): Map<number, number | null> {
  const [starts, setStarts] = useState(new Map<number, number | null>());
  const image = localStorage.getItem('berth-image');
  const ids = [...new Set((offers ?? []).slice(0, 128).map((offer) => offer.machine_id))].join(',');
  useEffect(() => {
    if (!image || !ids) return;
    call('POST /api/v0/images/starts/', { body: { image, machine_ids: ids.split(',').map(Number) } }).then(
      ({ machines }) => setStarts(new Map(machines.filter((one) => one.image_cached).map((one) => [one.machine_id, one.starts_in_s]))),
      () => setStarts(new Map()),
    );
  }, [ids, image]);
  return starts;
}

function NoOffers({ isBounded }: { isBounded: boolean }) {
  return (
    <Empty title="No offer matches">
      <p>Ask for less, include unverified machines, or look at what is rented now and when it becomes free.</p>
      <div class="row">
        {isBounded && <Button onClick={() => setQuery(Object.fromEntries(Object.keys(DEFAULTS).map((key) => [key, ANY])))}>Any reliability and duration</Button>}
        <Button onClick={() => setQuery({ unavailable: '1', unverified: '1' })}>Include Unavailable Offers</Button>
        <Button kind="primary" onClick={() => go('/')}>Reset all filters</Button>
      </div>
    </Empty>
  );
}

function Strip({ query }: { query: URLSearchParams }) {
  const market = useLoad(() => call('GET /api/v0/metrics/gpu/current/'));
  return (
    <div class="strip">
      <Segments label="How many GPUs" value={query.get('gpus') ?? ''} options={COUNTS} onChange={(gpus) => setQuery({ gpus })} />
      <Segments label="Kind of rental" value={query.get('type') ?? ''} options={[['', 'On demand'], ['bid', 'Interruptible'], ['reserved', 'Reserved']]}
        onChange={(type) => setQuery({ type, bid: null })} />
      <Models query={query} gpus={market.data?.gpus ?? []} />
      <Places query={query} />
      <Select label="Sort by" hideLabel value={query.get('sort') ?? 'score'} options={SORTS}
        onChange={(sort) => setQuery({ sort: sort === 'score' ? null : sort })} />
    </div>
  );
}

export function SearchPage(_: { id: number }) {
  const { query } = usePlace();
  const { user } = useStore(session);
  const template = useTemplate(query.get('template') ?? '');
  const without = useStore(avoided);
  const isYoung = useStore(young);
  const asking = searchOf(query, isYoung === true, query.get('incompatible') === '1' ? {} : fitsOf(template), without);
  const list = useOffers(JSON.stringify(asking), query, String(user?.id ?? 0));
  const isBounded = hasDefaults(query) && isYoung !== true;
  const isNone = list.offers?.length === 0;
  const isUnsure = isBounded && isYoung === null && isNone;
  const offers = isUnsure || (isYoung && isNone && !list.isOfThis) ? null : list.offers; // a moment, until it is known why there are none
  const { error, reload } = list;
  const starts = useStarts(offers);
  const [choices, choose] = useChoices();
  const [isFiltering, setFiltering] = useState(false);
  const kept = useRef<Offer | null>(null);
  const rentId = Number(query.get('rent'));
  const asked = offers?.find((offer) => offer.id === rentId) ?? null;
  const count = filterCount(query);
  /* As they are while offers come: those alone are drawn anew then. */
  const strip = useMemo(() => <Strip query={query} />, [query]);
  const filters = useMemo(() => <Filters query={query} template={template} />, [query, template]);

  useEffect(() => { if (isUnsure) askWhetherYoung(); }, [isUnsure]);
  /* What is being rented stays before the eyes, whatever the list becomes behind it. */
  if (asked) kept.current = asked;
  const rented = rentId && kept.current?.id === rentId ? kept.current : null;
  return (
    <Page title="Find GPUs" lead={isBid(query) ? 'Interruptible: you bid, and run while your bid is the highest.'
      : isReserved(query) ? 'Reserved: as on demand, and cheaper for who pays ahead. What is struck through is the price without that.'
        : 'On demand: at a fixed price, by the second, for as long as you want.'}
      actions={<Button icon="clock" onClick={() => openBy({ wait: '1' })}>Wait for it</Button>}>
      {strip}
      <div class="search">
        <aside class={isFiltering ? 'open' : undefined}>
          <Button icon="filter" aria-expanded={isFiltering} onClick={() => setFiltering(!isFiltering)}>
            {isFiltering ? 'Hide the filters' : count > 0 ? `Filters (${count})` : 'Filters'}
          </Button>
          {filters}
        </aside>
        <div class="stack offers">
          {isYoung && hasDefaults(query) && <p class="hint">Nothing here has been seen as {DEFAULTS.reliability} % reliable and can be had for {DEFAULTS.days} days yet: machines begin below that. So all are shown.</p>}
          {error && <Notice kind="bad" action={<Button onClick={reload}>Try again</Button>}>{error}</Notice>}
          {offers === null && !error && <Skeleton rows={5} height={118} />}
          {offers?.length === 0 && <NoOffers isBounded={isBounded} />}
          {offers && <p class="sr" role="status">{list.hasMore ? `More than ${offers.length} offers` : `${offers.length} offers`}</p>}
          <OfferList list={list} on={[list.query.toString(), starts, choices]} draw={(offer, place) => (
            <OfferCard key={place} offer={offer} query={list.query} asking={asking}
              starts={starts.get(offer.machine_id)} choice={choices.get(offer.id)} choose={(part) => choose(offer.id, part)} onRent={(bid) => openBy({ rent: String(offer.id), bid })} />
          )} />
        </div>
      </div>
      {query.get('wait') === '1' && <WaitDialog query={query} disk={diskOf(query)} onClose={() => closeBy({ wait: null })} />}
      {rented && <RentDialog key={rented.id} offer={rented} query={query} onClose={() => closeBy({ rent: null, bid: null })} />}
    </Page>
  );
}
