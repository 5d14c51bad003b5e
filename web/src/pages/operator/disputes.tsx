// SPDX-License-Identifier: Apache-2.0
/** Payments that their payers dispute at the provider: what is at stake, and how it stands. */
import { useState } from 'preact/hooks';
import type { OperatorDispute } from '#api';
import { call } from '../../lib/api';
import { duration, money, moment } from '../../lib/format';
import { setQuery, usePlace } from '../../lib/router';
import { Button, Chip, Empty, Loaded, Notice, Select, Table } from '../../ui/parts';
import { EvidenceDialog } from './evidence';
import { usePages } from './pages';

const STATES: [string, string, 'plain' | 'warn' | 'good' | 'bad'][] = [['said', 'announced', 'plain'], ['taken', 'open: the money is gone', 'warn'], ['won', 'won', 'good'], ['lost', 'lost', 'bad']];

export function Disputes() {
  const state = usePlace().query.get('state') ?? '';
  const [shown, setShown] = useState<OperatorDispute | null>(null);
  const pages = usePages(async (after) => {
    const reply = await call('GET /api/v0/operator/disputes/', { query: { after, state } });
    return { rows: reply.disputes, next: reply.next };
  }, [state]);
  return (
    <div class="stack">
      <div class="strip"><Select label="State" value={state} options={[['', 'All'], ...STATES.map(([key, name]): [string, string] => [key, name])]} onChange={(value) => setQuery({ state: value })} /></div>
      {pages.error && <Notice kind="bad">{pages.error}</Notice>}
      <Loaded from={pages.first} rows={3} height={44}>
        {() => pages.rows.length === 0 ? <Empty icon="card" title="Nobody disputes a payment"><p>Where somebody does, their credit up to it is set aside by itself until it is decided.</p></Empty> : (
          <Table kind="dense" head={['Dispute', 'Account', 'Deposit', 'At', 'Because', 'State', 'Since', 'Answer', 'Set aside', 'Dollars']} label="Disputes">
            {pages.rows.map((one) => {
              const [, word, kind] = STATES.find(([key]) => key === one.state) ?? ['', one.state, 'plain' as const];
              return (
                <tr key={one.id}>
                  <th scope="row">{one.id}</th><td><a href={`/operator?tab=users&find=${one.user_id}`}>{one.user_id}</a></td><td>{one.deposit_id}</td>
                  <td>{one.provider}<div class="muted small">{one.reference}</div></td><td>{one.reason || '–'}</td>
                  <td><Chip kind={kind}>{word}</Chip></td><td>{moment(one.changed_at)}</td>
                  <td><Button aria-label={`Evidence for dispute ${one.id}`} onClick={() => setShown(one)}>Evidence</Button>
                    {one.is_asked && <div class="small muted">{one.due_at === null ? 'asked for' : `due in ${duration(one.due_at - Date.now() / 1000)}`}</div>}</td>
                  <td class="num">{money(one.frozen)}</td><td class="num">{money(one.amount)}</td>
                </tr>
              );
            })}
          </Table>
        )}
      </Loaded>
      {pages.hasMore && <Button onClick={pages.more}>Show more</Button>}
      {shown && <EvidenceDialog one={shown} onClose={() => setShown(null)} />}
    </div>
  );
}
