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

const KINDS: [string, string][] = [['', 'Everything'], ['credit', 'Credit'], ['transfer', 'Transfers'], ['refund', 'Refunds'], ['payout', 'Payouts']];
const WORDS: Record<string, string> = { credit: 'Credit', transfer: 'Transfer', refund: 'Refund', payout: 'Payout', reserved: 'Reserved' };
const ROWS_MAX = 500;

export interface PayoutFacts { invoice_id?: number; service?: string; state?: string; reference?: string }
export const factsOf = (row: InvoiceRow): PayoutFacts => (row.metadata ?? {}) as PayoutFacts;

export async function readPayments(range: Range): Promise<InvoiceRow[]> {
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

/** Months that are over have numbers; any month can be had as a file, whose last line rounds it to cents. */
export function Statements() {
  const [month, setMonth] = useState(monthsUntil(today(), 1)[0] as string);
  const { busy, error, act } = useAct();
  const list = useLoad(async () => (await call('GET /api/v0/charges/statements/')).results, []);
  const save = (one: string): void => act(async () => download(`berth-${one}.csv`, await call('GET /api/v0/charges/csv/', { query: { month: one } })));
  const paper = (one: string): string => `/api/v0/charges/statement/?month=${one}`;
  return (
    <div class="stack">
      <p class="muted">What you were charged in a month, by instance, component and price, with its total rounded to cents. Months are UTC.</p>
      <Loaded from={list} rows={2} height={44}>
        {(rows) => rows.length === 0 ? <Empty icon="card" title="No month is settled yet"><p>When a month is over and all of it is posted, its statement has a number and is listed here.</p></Empty> : (
          <Table head={['Number', 'Month', 'Total', 'Made', '']} label="Statements">
            {rows.map((one) => (
              <tr key={one.number}>
                <th scope="row"><a href={paper(one.month)} target="_blank" rel="noreferrer">{one.number}</a></th>
                <td>{one.month}</td>
                <td class="num">{money(one.total)}</td>
                <td>{moment(one.made)}</td>
                <td><Button icon="down" busy={busy} aria-label={`Download ${one.number}`} onClick={() => save(one.month)}>Download it</Button></td>
              </tr>
            ))}
          </Table>
        )}
      </Loaded>
      <Card title="A month as a file">
        <div class="strip">
          <Select label="Month" value={month} options={monthsUntil(today(), 24).map((one) => [one, one])} onChange={setMonth} />
          <Button kind="primary" icon="down" busy={busy} onClick={() => save(month)}>Download it</Button>
        </div>
      </Card>
      {error && <Notice kind="bad">{error}</Notice>}
    </div>
  );
}
