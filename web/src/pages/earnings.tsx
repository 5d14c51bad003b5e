// SPDX-License-Identifier: Apache-2.0
/** What the account's machines earned: by day, by machine, and what of it was paid out. */
import { useState } from 'preact/hooks';
import type { DayEarnings, EarningsShowReply, MachineEarnings, Payout, PayoutListReply } from '#api';
import { call } from '../lib/api';
import { DAY_S, dayText, nextFriday } from '../lib/days';
import { csv, download } from '../lib/download';
import { dayOf, money } from '../lib/format';
import { live } from '../lib/live';
import { useRules } from '../lib/rules';
import { setQuery, usePlace } from '../lib/router';
import { session } from '../lib/session';
import { useStore } from '../lib/store';
import { countryName } from '../lib/world';
import { Bars } from '../ui/chart';
import { Button, Card, Chip, Empty, Facts, Field, Loaded, Notice, Page, Select, Table, toast, useAct, useLoad } from '../ui/parts';
import { RangeFields, rangeOf, type Range } from '../ui/range';

type Parts = Omit<DayEarnings, 'day'>;

const PARTS = ['GPUs', 'Disk', 'Sent', 'Received'];
const partsOf = (one: Parts): number[] => [one.gpu_earn, one.sto_earn, one.bwu_earn, one.bwd_earn];
const sumOf = (one: Parts): number => partsOf(one).reduce((total, part) => total + part, 0);

const readEarnings = (range: Range, machine: string): Promise<EarningsShowReply> =>
  call('GET /api/v0/users/{user}/machine-earnings/', { path: { user: session.get().user?.id ?? 'me' },
    query: { sday: range.from, eday: range.until, machid: machine } });

/** Days on which nothing was earned are days too. */
function everyDay(range: Range, rows: DayEarnings[]): DayEarnings[] {
  const byDay = new Map(rows.map((row) => [row.day, row]));
  return Array.from({ length: Math.max(0, range.until - range.from + 1) }, (_, i) =>
    byDay.get(range.from + i) ?? { day: range.from + i, gpu_earn: 0, sto_earn: 0, bwu_earn: 0, bwd_earn: 0 });
}

function ByMachine({ rows }: { rows: MachineEarnings[] }) {
  return (
    <Table head={['Machine', ...PARTS, 'All']} label="Earnings by machine">
      {rows.map((row) => (
        <tr key={row.machine_id}>
          <th scope="row"><a href={`/machines/${row.machine_id}`}>m:{row.machine_id}</a></th>
          {partsOf(row).map((part, i) => <td class="num" key={PARTS[i]}>{money(part, 4)}</td>)}
          <td class="num">{money(sumOf(row), 4)}</td>
        </tr>
      ))}
    </Table>
  );
}

/** With all payouts of these days: the newest come first, a page at a time. */
async function readPayouts(range: Range): Promise<PayoutListReply> {
  const told = await call('GET /api/v0/billing/payouts/', { query: {} });
  for (let next = told.next_token; next !== null && (told.payouts.at(-1)?.cut ?? 0) >= range.from * DAY_S;) {
    const page = await call('GET /api/v0/billing/payouts/', { query: { after_token: next } });
    told.payouts.push(...page.payouts);
    next = page.next_token;
  }
  return told;
}

const COUNTRIES = ['US', 'CA', 'GB', 'IE', 'DE', 'FR', 'NL', 'BE', 'SE', 'NO', 'DK', 'FI', 'IS', 'PL', 'CZ', 'AT', 'CH', 'ES', 'PT', 'IT', 'RO', 'BG', 'UA', 'AU', 'NZ', 'JP', 'KR', 'TW', 'SG', 'IN', 'BR', 'ZA'];

type PayoutsTold = ReturnType<typeof useLoad<PayoutListReply>>;

/** Where the money goes, and what the next payout would be. */
function PayoutAccount({ told }: { told: PayoutsTold }) {
  const [country, setCountry] = useState('');
  const [paypal, setPaypal] = useState('');
  const { busy, error, act } = useAct();
  const save = (): void => act(async () => {
    await call('PUT /api/v0/billing/payouts/method/', { body: { country: country || (told.data?.method?.country ?? 'US'), ...(paypal ? { paypal } : {}) } });
    told.reload();
    toast('Kept.');
  });
  const connect = (): void => act(async () => {
    const { url } = await call('POST /api/v0/billing/payouts/onboarding/', { body: {} });
    if (url === null) throw new Error('The provider does not answer yet. Press again in a moment.');
    location.assign(url);
  });
  return (
    <Card title="Payout account">
      <Loaded from={told} rows={1} height={120}>
        {(one) => (
          <div class="stack">
            <Facts rows={[['Earned this week', money(one.earned, 4)], ['Invoiced, not paid out', money(one.owed)], ['Next Friday', dayOf(one.next_cut)], ['Would be paid then', money(one.preview)],
              ['Paid out from', money(one.minimum)], ['Fee of a payout', one.fee === 0 ? 'none: the market bears it' : money(one.fee)]]} />
            {one.method ? <p class="row"><Chip kind={one.method.ready ? 'good' : 'warn'}>{one.method.ready ? 'ready' : 'not ready'}</Chip>
              <span>{one.method.provider === 'manual' ? 'By the operator, by hand' : one.method.provider === 'stripe' ? 'To a bank, by Stripe' : `To PayPal, ${one.method.paypal ?? ''}`}, {countryName(one.method.country)}.</span>
              {one.method.reason && <span class="muted">{one.method.reason}</span>}
              {one.method.held_until !== null && one.method.held_until * 1000 > Date.now() && <span class="muted">changed: no payout before {dayOf(one.method.held_until)}</span>}</p> : <p class="muted">Say in which country you are paid: then you see how.</p>}
            <form class="strip" onSubmit={(event) => { event.preventDefault(); save(); }}>
              <Select label="Country" value={country || (one.method?.country ?? 'US')} options={COUNTRIES.map((code) => [code, countryName(code)])} onChange={setCountry} />
              <Field label="PayPal account" type="email" value={paypal} placeholder="the account's own email" onInput={(event) => setPaypal(event.currentTarget.value)} />
              <Button type="submit" busy={busy}>Keep it</Button>
              {one.method?.provider === 'stripe' && !one.method.ready && <Button kind="primary" busy={busy} onClick={connect}>Connect a bank</Button>}
            </form>
            {error && <Notice kind="bad">{error}</Notice>}
          </div>
        )}
      </Loaded>
    </Card>
  );
}

/** What came of what renters paid: all of it, the market's part, and one's own. */
function Shares({ net }: { net: number }) {
  const rules = useRules();
  if (!rules) return null;
  const gross = net / (1 - rules.fee_percent / 100);
  return <Facts rows={[['Renters paid', money(gross)], [`The market's fee, ${rules.fee_percent} %`, `−${money(gross - net)}`], ['You earned', <b>{money(net)}</b>]]} />;
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();
const savePayouts = (rows: Payout[]): void => download('payouts.csv', csv([['number', 'invoiced', 'there by', 'paid', 'service', 'reference', 'state', 'dollars'],
  ...rows.map((one) => [one.id, iso(one.cut), iso(one.expected), one.paid_at === null ? '' : iso(one.paid_at), one.provider, one.reference ?? '', one.state, one.amount])]));

/** The payouts alone, on paper: the style of print leaves out the rest while the mark is there. */
function printPayouts(): void {
  const page = document.documentElement;
  addEventListener('afterprint', () => { delete page.dataset.print; }, { once: true });
  page.dataset.print = 'sheet';
  print();
}

/** Of the weeks that ended in these days: when each was paid, when it is there at the latest, and why it is not. */
function Payouts({ range, told }: { range: Range; told: PayoutsTold }) {
  const { user } = useStore(session);
  const list = (told.data?.payouts ?? []).filter(({ cut }) => cut >= range.from * DAY_S && cut < (range.until + 1) * DAY_S);
  return (
    <Card class="sheet" title="Payout history" actions={<>
      <Button icon="down" disabled={list.length === 0} onClick={() => savePayouts(list)}>CSV</Button>
      <Button icon="log" disabled={list.length === 0} onClick={printPayouts}>Print</Button></>}>
      <p class="on-paper">{user?.fullname || user?.email} · account {user?.id} · {location.host} · weeks that ended {dayText(range.from)} to {dayText(range.until)}</p>
      <Loaded from={told} rows={1} height={44}>
        {() => list.length === 0 ? <p class="muted">None in these days. What you have earned is paid out on Fridays, once it is enough.</p> : (
          <Table head={['Number', 'Invoice date', 'Paid date', 'There by', 'Service', 'Reference', 'State', 'Dollars']} label="Payout history">
            {list.map((one) => (
              <tr key={one.id}>
                <th scope="row">{one.id}</th><td>{dayOf(one.cut)}</td><td>{one.paid_at === null ? '–' : dayOf(one.paid_at)}</td><td>{dayOf(one.expected)}</td><td>{one.provider}</td><td>{one.reference ?? '–'}</td>
                <td><span class="row chips"><Chip kind={one.state === 'paid' ? 'good' : one.state === 'failed' || one.state === 'returned' ? 'bad' : 'plain'}>{one.state.replaceAll('_', ' ')}</Chip>{one.late && <Chip kind="bad">late</Chip>}</span>
                  {one.reason && <div class="muted small">{one.reason}</div>}</td>
                <td class="num">{money(one.amount)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Loaded>
    </Card>
  );
}

export function EarningsPage(_: { id: number }) {
  const { query } = usePlace();
  const range = rangeOf(query);
  const machine = query.get('machine') ?? '';
  const { earned } = useStore(live);
  const { user } = useStore(session);
  const machines = useLoad(() => call('GET /api/v0/machines/'));
  const told = useLoad(() => readEarnings(range, machine), [range.from, range.until, machine]);
  const payouts = useLoad(() => readPayouts(range), [range.from]);
  const list = machines.data?.machines ?? [];
  const hour = list.reduce((total, one) => total + one.earn_hour, 0);
  const save = (days: DayEarnings[]): void => download('earnings.csv', csv([['day', 'gpu', 'disk', 'sent', 'received', 'all'],
    ...days.map((one) => [dayText(one.day), ...partsOf(one), sumOf(one)])]));

  return (
    <Page title="Earnings" lead="Your share, after the market's fee.">
      <div class="figures">
        <div class="figure"><span>Not paid out yet</span><strong>{money(earned ?? user?.balance ?? 0, 4)}</strong></div>
        <div class="figure"><span>Total earnings</span><strong>{payouts.data ? money(payouts.data.total, 2) : '…'}</strong></div>
        <div class="figure"><span>Your machines earn now</span><strong>{money(hour, 3)}/h</strong></div>
        <div class="figure"><span>A day at that rate</span><strong>{money(hour * 24)}</strong></div>
        <div class="figure"><span>Next invoice</span><strong>{dayOf(nextFriday())}</strong></div>
      </div>
      {user?.held_earnings ? <Notice kind="warn">{money(user.held_earnings)} of it are kept out of payouts for now: an operator looks at them.</Notice> : null}
      <div class="stack">
        <div class="strip">
          <RangeFields range={range} />
          <Select label="Machine" value={machine} onChange={(value) => setQuery({ machine: value })}
            options={[['', 'All machines'], ...list.map((one): [string, string] => [String(one.id), `m:${one.id} ${one.hostname ?? ''}`])]} />
          <Button icon="down" disabled={!told.data} onClick={() => told.data && save(everyDay(range, told.data.per_day))}>Export</Button>
        </div>
        <Loaded from={told} rows={1} height={260}>
          {({ per_day: days, per_machine: by }) => days.length === 0 ? (
            <Empty icon="coins" title="Nothing was earned in these days">
              <p>List a machine, and what it earns is here, by day and by machine, seconds after it was used.</p>
              <a class="button primary" href="/machines">Your machines</a>
            </Empty>
          ) : (
            <>
              <Card title={`${money(days.reduce((total, one) => total + sumOf(one), 0))} in ${everyDay(range, days).length} days`}>
                <Bars label="Earnings by day" series={PARTS} format={(value) => money(value)}
                  points={everyDay(range, days).map((one) => ({ at: dayText(one.day), values: partsOf(one) }))} />
              </Card>
              <Card title="What came of it"><Shares net={days.reduce((total, one) => total + sumOf(one), 0)} /></Card>
              <ByMachine rows={by} />
            </>
          )}
        </Loaded>
        <Payouts range={range} told={payouts} />
        <PayoutAccount told={payouts} />
      </div>
    </Page>
  );
}
