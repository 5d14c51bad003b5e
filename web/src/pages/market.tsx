// SPDX-License-Identifier: Apache-2.0
/** Supply, demand and prices, open to everybody; and what a machine would earn. */
import { useState } from 'preact/hooks';
import type { GpuMetrics, MarketEarningsReply } from '#api';
import { call } from '../lib/api';
import { dayText, today } from '../lib/days';
import { money, number, percent, plural } from '../lib/format';
import { setQuery, usePlace } from '../lib/router';
import { useRules } from '../lib/rules';
import { countryName, landPath, placeOf, WORLD } from '../lib/world';
import { Lines, niceAbove } from '../ui/chart';
import { useEvery } from '../ui/every';
import { Button, Card, Check, Chip, Empty, Facts, Field, Loaded, Notice, Page, Segments, Select, Table, useAct, useLoad } from '../ui/parts';

/** From the cheapest tenth to the dearest, and the middle, on a scale that all rows share. */
function Spread({ one, top }: { one: GpuMetrics; top: number }) {
  if (one.price_p10 === null || one.price_p90 === null || one.price_median === null) return <span class="muted">none is free</span>;
  const at = (price: number): number => (price / top) * 100;
  return (
    <div class="spread-row">
      <span>{money(one.price_p10)} · <b>{money(one.price_median)}</b> · {money(one.price_p90)}</span>
      <svg class="range" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
        <rect class="rail" x="0" y="3" width="100" height="2" />
        <rect class="span" x={at(one.price_p10)} y="1" width={Math.max(0.8, at(one.price_p90) - at(one.price_p10))} height="6" />
        <rect class="middle" x={at(one.price_median) - 0.5} y="0" width="1" height="8" />
      </svg>
    </div>
  );
}

function Supply({ one, most }: { one: GpuMetrics; most: number }) {
  const width = (count: number): string => `${(count / most) * 100}%`;
  return (
    <div class="spread-row">
      <span><b>{number(one.rented)}</b> rented, <b>{number(one.available)}</b> free</span>
      <div class="supply" aria-hidden="true"><i style={{ width: width(one.rented) }} /><i class="free" style={{ width: width(one.available) }} /></div>
    </div>
  );
}

function Models({ gpus }: { gpus: GpuMetrics[] }) {
  const top = niceAbove(Math.max(...gpus.map((one) => one.price_p90 ?? 0), 0));
  const most = Math.max(...gpus.map((one) => one.total), 1);
  return (
    <>
      <Table label="GPUs on the market" head={['GPU', 'Supply', 'Rented now', 'Of 30 days', 'Free ones ask, an hour', 'Rented at, half', 'DLPerf', 'DLPerf per $']}>
        {gpus.map((one) => (
          <tr key={one.gpu_name}>
            <th scope="row"><a href={`/?gpu=${encodeURIComponent(one.gpu_name)}`}>{one.gpu_name}</a></th>
            <td><Supply one={one} most={most} /></td>
            <td>{number(one.usage)} %</td>
            <td>{one.usage_30d === null ? '–' : `${number(one.usage_30d, 1)} %`}</td>
            <td><Spread one={one} top={top} /></td>
            <td>{one.rented_median === null ? '–' : money(one.rented_median)}</td>
            <td>{number(one.dlperf, 1)}</td>
            <td>{number(one.dlperf_per_dollar, 1)}</td>
          </tr>
        ))}
      </Table>
      <p class="hint">Of one GPU. Of the prices: a tenth ask at most the first, half at most the second, nine tenths at most the third; the bars share one scale, to {money(top)}.</p>
    </>
  );
}

function Estimate({ told }: { told: MarketEarningsReply }) {
  const rules = useRules();
  const { earn_month: month, price_gpu_hour: hour, sample } = told;
  if (month.median === null) return <Notice>None of that model was rented in the last {sample.days} days, so there is nothing to go by.</Notice>;
  return (
    <div class="stack" aria-live="polite">
      <div class="figures">
        <div class="figure"><span>Low, of 30 days</span><strong>{money(month.low ?? 0)}</strong></div>
        <div class="figure"><span>In the middle</span><strong>{money(month.median)}</strong></div>
        <div class="figure"><span>High</span><strong>{money(month.high ?? 0)}</strong></div>
      </div>
      <p class="hint">After the market's {rules ? percent(rules.fee_percent / 100) : ''} fee, for {plural(told.num_gpus, 'GPU')}. Renters paid {money(hour.low ?? 0)} to {money(hour.high ?? 0)} for a GPU and hour, {money(hour.median ?? 0)} in the middle.
        From {plural(sample.rentals, 'rental')} on {plural(sample.machines, 'machine')}, {number(sample.gpu_hours)} GPU hours, in the last {sample.days} days.</p>
    </div>
  );
}

/** What such machines are let at now, those too that nobody can have at the moment. */
function Similar({ model, isAll, gpus }: { model: string; isAll: boolean; gpus: GpuMetrics[] }) {
  const one = gpus.find(({ gpu_name: name }) => name === model);
  if (!one) return null;
  const price = (value: number | null): string => (value === null ? '–' : money(value));
  return (
    <Facts rows={[['Free, and what they ask', `${number(one.available)}: ${price(one.price_p10)} · ${price(one.price_median)} · ${price(one.price_p90)}`],
      ...(isAll ? [['Rented, and what is paid', `${number(one.rented)}: ${price(one.rented_p10)} · ${price(one.rented_median)} · ${price(one.rented_p90)}`] as [string, string]] : []),
      ['Rented of their time, 30 days', one.usage_30d === null ? '–' : `${number(one.usage_30d, 1)} %`]]} />
  );
}

function Calculator({ names, gpus: known }: { names: string[]; gpus: GpuMetrics[] }) {
  const [isAll, setAll] = useState(false);
  const [model, setModel] = useState('');
  const [gpus, setGpus] = useState('1');
  const [region, setRegion] = useState('');
  const [told, setTold] = useState<MarketEarningsReply | null>(null);
  const { busy, error, act } = useAct();
  const chosen = model || (names[0] ?? '');
  const ask = (): void => act(async () => setTold(await call('GET /api/v0/metrics/earnings/', { query: { gpu_name: chosen, num_gpus: gpus, region } })));
  return (
    <Card title="What would mine earn?">
      <form class="stack" onSubmit={(event) => { event.preventDefault(); ask(); }}>
        <p class="muted">From what machines like it have earned that were rented in the last 30 days.</p>
        <div class="strip">
          <Select label="GPU" value={chosen} options={names.map((name) => [name, name])} onChange={setModel} />
          <Field label="How many" type="number" min={1} max={64} value={gpus} required onInput={(event) => setGpus(event.currentTarget.value)} />
          <Field label="Where" value={region} placeholder="anywhere, SE, EU" onInput={(event) => setRegion(event.currentTarget.value.trim())} />
          <Button kind="primary" type="submit" busy={busy} disabled={chosen === ''}>Estimate</Button>
        </div>
        {error && <Notice kind="bad">{error}</Notice>}
        {told && <Estimate told={told} />}
        <Check label="Include unavailable offers" checked={isAll} onChange={setAll} hint="Beside what is free, what is rented now, at what its renters pay." />
        <Similar model={chosen} isAll={isAll} gpus={known} />
      </form>
    </Card>
  );
}

/** How much was there and ran, and what was paid, of the last 30 days. */
function Days({ names }: { names: string[] }) {
  const { query } = usePlace();
  const model = query.get('model') ?? '';
  const told = useLoad(() => call('GET /api/v0/metrics/gpu/days/', { query: { gpu_name: model } }), [model]);
  return (
    <Card title="The last 30 days" actions={<Select label="Of which GPU" hideLabel value={model} options={[['', 'All models'], ...names.map((name): [string, string] => [name, name])]} onChange={(value) => setQuery({ model: value })} />}>
      <Loaded from={told} rows={1} height={260}>
        {({ days }) => {
          const at = (ago: number): string => dayText(today() - ago);
          return (
            <div class="cards wide">
              <div><h3>Supply and demand, GPUs at a time</h3>
                <Lines label="Supply and demand" series={['There', 'Rented']} format={(value) => number(value, value < 1 ? 3 : 1)}
                  points={days.map((one) => ({ at: at(one.days_ago), values: [one.gpu_hours / 24, one.rented_gpu_hours / 24] }))} /></div>
              <div><h3>Paid for a GPU and hour</h3>
                {days.every((one) => one.price_median === null) ? <p class="muted">Nothing ran in these days.</p> : (
                  <Lines label="Prices" series={['A tenth at most', 'Half at most', 'Nine tenths at most']} format={(value) => money(value)}
                    points={days.map((one) => ({ at: at(one.days_ago), values: [one.price_p10, one.price_median, one.price_p90] }))} />)}</div>
            </div>
          );
        }}
      </Loaded>
    </Card>
  );
}

/** A map as dots of land, with a circle where GPUs are; and the same as a table. */
function Places() {
  const told = useEvery(() => call('GET /api/v0/metrics/places/'));
  return (
    <Card title="Where they are">
      <Loaded from={told} rows={1} height={260}>
        {({ places }) => {
          const most = Math.max(1, ...places.map((one) => one.available + one.rented));
          return (
            <div class="beside">
              <svg class="world" viewBox={`0 0 ${WORLD.width} ${WORLD.height}`} role="img" aria-label={`GPUs in ${plural(places.filter((one) => one.country_code).length, 'country', 'countries')}`}>
                <path class="land" d={landPath()} />
                {places.map((one) => {
                  const place = one.country_code ? placeOf(one.country_code) : null;
                  const count = one.available + one.rented;
                  return place && <g key={one.country_code}><title>{`${countryName(one.country_code ?? '')}: ${count} GPUs, ${one.available} free`}</title>
                    <circle class="there" cx={place[0]} cy={place[1]} r={0.9 + 2.2 * Math.sqrt(count / most)} /></g>;
                })}
              </svg>
              <Table label="Countries" head={['Country', 'Free', 'Rented', 'Free ones, half at most']}>
                {places.map((one) => (
                  <tr key={one.country_code}><th scope="row">{one.country_code ? <a href={`/?country=${one.country_code}`}>{countryName(one.country_code)}</a> : 'Not told'}<div class="muted small">{one.continent}</div></th>
                    <td class="num">{number(one.available)}</td><td class="num">{number(one.rented)}</td><td class="num">{one.price_median === null ? '–' : money(one.price_median)}</td></tr>
                ))}
              </Table>
            </div>
          );
        }}
      </Loaded>
    </Card>
  );
}

const VERIFIED: [string, string][] = [['', 'All machines'], ['yes', 'Verified'], ['no', 'Unverified']];
const WHERE: [string, string][] = [['', 'Anywhere'], ['secure_cloud', 'Data centres'], ['community', 'Others']];
const SIZES: [string, string][] = [['', 'Any size'], ['1', '1'], ['2', '2'], ['4', '4'], ['8', '8']];

export function MarketPage(_: { id: number }) {
  const { query } = usePlace();
  const value = (key: string): string => query.get(key) ?? '';
  const told = useEvery(() => call('GET /api/v0/metrics/gpu/current/', { query: { verified: value('verified') || null, hosting_type: value('where') || null, num_gpus: value('size') || null } }),
    [value('verified'), value('where'), value('size')]);
  const names = useEvery(() => call('GET /api/v0/gpu_names/unique/'), []);
  const known = told.data?.gpus.map((one) => one.gpu_name) ?? [];
  const all = [...known, ...(names.data?.gpu_names ?? []).filter((name) => !known.includes(name))];
  const total = (of: (one: GpuMetrics) => number): number => told.data?.gpus.reduce((sum, one) => sum + of(one), 0) ?? 0;
  return (
    <Page title="Market" lead="What is offered and rented, and at which prices. At most half a minute old.">
      <div class="strip">
        <Segments label="Which machines" value={value('verified')} options={VERIFIED} onChange={(verified) => setQuery({ verified })} />
        <Segments label="Where" value={value('where')} options={WHERE} onChange={(where) => setQuery({ where })} />
        <Segments label="Slices of" value={value('size')} options={SIZES} onChange={(size) => setQuery({ size })} />
      </div>
      <div class="stack">
        <div class="figures">
          <div class="figure"><span>GPUs</span><strong>{number(total((one) => one.total))}</strong></div>
          <div class="figure"><span>Rented</span><strong>{number(total((one) => one.rented))}</strong></div>
          <div class="figure"><span>Free</span><strong>{number(total((one) => one.available))}</strong></div>
          <div class="figure"><span>Models</span><strong>{number(told.data?.gpus.length ?? 0)}</strong></div>
        </div>
        <Loaded from={told} rows={4} height={52}>
          {({ gpus }) => gpus.length === 0 ? <Empty icon="chart" title="No GPU of that kind is on the market now"><Chip>{VERIFIED.find(([key]) => key === value('verified'))?.[1]}</Chip></Empty> : <Models gpus={gpus} />}
        </Loaded>
        <Days names={all} />
        <Places />
        <Calculator names={all} gpus={told.data?.gpus ?? []} />
      </div>
    </Page>
  );
}
