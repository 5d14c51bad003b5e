// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import type { InvoiceRow } from '#api';
import { call } from '../../lib/api';
import { DAY_S, monthsUntil, today } from '../../lib/days';
import { csv, download } from '../../lib/download';
import { money, moment } from '../../lib/format';
import { setQuery, usePlace } from '../../lib/router';
import { Button, Card, Chip, Empty, Loaded, Notice, Select, Table, useAct, useLoad } from '../../ui/parts';
import { RangeFields, rangeOf, type Range } from '../../ui/range';

const KINDS: [string, string][] = [['', 'Everything'], ['credit', 'Credit'], ['transfer', 'Transfers'], ['refund', 'Refunds'], ['reserved', 'Paid ahead'], ['payout', 'Payouts']];
const WORDS: Record<string, string> = { credit: 'Credit', transfer: 'Transfer', refund: 'Refund', payout: 'Payout', reserved: 'Paid ahead' };
const ROWS_MAX = 500;

interface PayoutFacts { invoice_id?: number; service?: string; state?: string; reference?: string }
const factsOf = (row: InvoiceRow): PayoutFacts => (row.metadata ?? {}) as PayoutFacts;

async function readPayments(range: Range): Promise<InvoiceRow[]> {
  const when = { gte: range.from * DAY_S, lte: (range.until + 1) * DAY_S - 1 };
  const page = await call('GET /api/v1/invoices/', { query: { select_filters: JSON.stringify({ when }), latest_first: 'true', limit: ROWS_MAX } });
  return page.results ?? [];
}

export function Payments() {
  const { query } = usePlace();
  const range = rangeOf(query, 365);
  const kind = query.get('kind') ?? '';
  const rows = useLoad(() => readPayments(range), [range.from, range.until]);
  const shown = rows.data?.filter((row) => !kind || row.type === kind) ?? [];
  const save = (): void => download('payments.csv', csv([['id', 'when', 'type', 'service', 'description', 'dollars'],
    ...shown.map((row) => [factsOf(row).invoice_id ?? null, row.start, row.type, factsOf(row).service ?? '', row.description, row.amount])]));
  return (
    <div class="stack">
      <div class="strip">
        <RangeFields range={range} />
        <Select label="Of what" value={kind} options={KINDS} onChange={(value) => setQuery({ kind: value })} />
        <Button icon="down" disabled={shown.length === 0} onClick={save}>Export</Button>
      </div>
      <Loaded from={rows} rows={3} height={44}>
        {() => shown.length === 0 ? <Empty icon="card" title="Nothing in these days"><p>Credit, transfers, refunds and payouts are listed here.</p></Empty> : (
          <Table head={['Number', 'When', 'Kind', 'What', 'State', 'Dollars']} label="Payments">
            {shown.map((row) => {
              const facts = factsOf(row);
              return (
                <tr key={`${facts.invoice_id} ${row.type}`}>
                  <th scope="row">{facts.invoice_id}</th>
                  <td>{moment(row.start)}</td>
                  <td>{WORDS[row.type] ?? row.type}</td>
                  <td class="wrap">{row.description} <span class="muted">({facts.service})</span></td>
                  <td>{facts.state ? <Chip kind={facts.state === 'paid' ? 'good' : facts.state === 'failed' ? 'bad' : 'plain'}>{facts.state}</Chip> : ''}</td>
                  <td class="num">{money(Math.abs(row.amount))} {row.type === 'transfer' ? '' : row.amount < 0 ? 'in' : 'out'}</td>
                </tr>
              );
            })}
          </Table>
        )}
      </Loaded>
      {shown.length === ROWS_MAX && <p class="hint">The newest {ROWS_MAX} are shown: choose fewer days to see the rest.</p>}
    </div>
  );
}

/** A page of the server's, to print or to keep. */
async function page(name: string, read: () => Promise<unknown>): Promise<void> {
  download(`${name}.html`, (await read()) as string, 'text/html');
}

function Deposits() {
  const told = useLoad(async () => (await call('GET /api/v0/billing/deposits/')).deposits);
  const { busy, error, act } = useAct();
  return (
    <Loaded from={told} rows={1} height={44}>
      {(deposits) => deposits.length === 0 ? null : (
        <Card title="Deposits">
          <Table head={['Number', 'When', 'By', 'State', 'Dollars', '']} label="Deposits">
            {deposits.map((one) => (
              <tr key={one.id}><th scope="row">{one.id}</th><td>{moment(one.created_at)}</td><td>{one.provider}{one.automatic && ', by itself'}</td>
                <td><Chip kind={one.state === 'paid' ? 'good' : one.state === 'failed' ? 'bad' : 'plain'} title={one.reason ?? undefined}>{one.state.replaceAll('_', ' ')}</Chip></td><td class="num">{money(one.amount)}</td>
                <td>{one.state === 'paid' && <Button kind="quiet" icon="down" busy={busy} aria-label={`Receipt of deposit ${one.id}`}
                  onClick={() => act(() => page(`receipt-${one.id}`, () => call('GET /api/v0/billing/deposits/{id}/receipt/', { path: { id: one.id } })))}>Receipt</Button>}</td></tr>
            ))}
          </Table>
          {error && <Notice kind="bad">{error}</Notice>}
        </Card>
      )}
    </Loaded>
  );
}

/** Months that are over, each with the number of its bill; and any month as a file, whose last line rounds it to cents. */
export function Statements() {
  const [month, setMonth] = useState(monthsUntil(today(), 1)[0] as string);
  const numbered = useLoad(async () => (await call('GET /api/v0/charges/statements/')).results);
  const { busy, error, act } = useAct();
  const asCsv = (of: string): void => act(async () => download(`berth-${of}.csv`, await call('GET /api/v0/charges/csv/', { query: { month: of } })));
  const asPage = (name: string, of: string): void => act(() => page(name, () => call('GET /api/v0/charges/statement/', { query: { month: of } })));
  return (
    <div class="stack">
      <Card title="A month's statement">
        <div class="stack">
          <p class="muted">What you were charged in a month, by instance, component and price, with its total rounded to cents. Months are UTC.</p>
          <div class="strip">
            <Select label="Month" value={month} options={monthsUntil(today(), 24).map((one) => [one, one])} onChange={setMonth} />
            <Button kind="primary" icon="down" busy={busy} onClick={() => asCsv(month)}>Download it</Button>
            <Button icon="log" busy={busy} onClick={() => asPage(`berth-${month}`, month)}>As a page to print</Button>
          </div>
          {error && <Notice kind="bad">{error}</Notice>}
        </div>
      </Card>
      <Card title="Invoices of months that are over">
        <Loaded from={numbered} rows={1} height={44}>
          {(list) => list.length === 0 ? <p class="muted">The first gets its number once its month is over: INV, the year, and a number without gaps.</p> : (
            <Table head={['Invoice', 'Month', 'Made', 'Exactly', 'Dollars', '']} label="Invoices">
              {list.map((one) => (
                <tr key={one.number}><th scope="row">{one.number}</th><td>{one.month}</td><td>{moment(one.made)}</td><td class="num">{money(one.gross, 6)}</td><td class="num">{money(one.total)}</td>
                  <td><span class="row"><Button kind="quiet" icon="log" busy={busy} aria-label={`Invoice ${one.number} as a page`} onClick={() => asPage(one.number, one.month)}>Page</Button>
                    <Button kind="quiet" icon="down" busy={busy} aria-label={`Invoice ${one.number} as CSV`} onClick={() => asCsv(one.month)}>CSV</Button></span></td></tr>
              ))}
            </Table>
          )}
        </Loaded>
      </Card>
      <Deposits />
    </div>
  );
}
