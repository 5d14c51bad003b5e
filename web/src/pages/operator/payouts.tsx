// SPDX-License-Identifier: Apache-2.0
import { call } from '../../lib/api';
import { money, moment } from '../../lib/format';
import { setQuery, usePlace } from '../../lib/router';
import { Button, Chip, Empty, Loaded, Notice, Select, Table } from '../../ui/parts';
import { usePages } from './pages';

const STATES = ['created', 'submitted', 'in_transit', 'paid', 'failed', 'returned', 'cancelled'];

export function Payouts() {
  const state = usePlace().query.get('state') ?? '';
  const pages = usePages(async (after) => {
    const reply = await call('GET /api/v0/operator/payouts/', { query: { after, state } });
    return { rows: reply.payouts, next: reply.next };
  }, [state]);
  return (
    <div class="stack">
      <div class="strip"><Select label="State" value={state} options={[['', 'All'], ...STATES.map((one): [string, string] => [one, one.replace('_', ' ')])]} onChange={(value) => setQuery({ state: value })} /></div>
      {pages.error && <Notice kind="bad">{pages.error}</Notice>}
      <Loaded from={pages.first} rows={3} height={44}>
        {() => pages.rows.length === 0 ? <Empty icon="coins" title="No payout in that state"><p>They are made each Friday at 00:00 UTC, of what hosts have earned by then.</p></Empty> : (
          <Table head={['Payout', 'Host', 'Week until', 'By', 'Reference', 'State', 'Since', 'Dollars']} label="Payouts of all hosts">
            {pages.rows.map((one) => (
              <tr key={one.id}>
                <th scope="row">{one.id}</th><td>{one.host_id}</td><td>{one.week_until}</td><td>{one.provider}</td><td>{one.reference || '–'}</td>
                <td><Chip kind={one.state === 'paid' ? 'good' : one.is_late || one.state === 'failed' ? 'bad' : 'plain'} title={one.reason}>{one.state}{one.is_late ? ', late' : ''}</Chip></td>
                <td>{moment(one.changed_at)}</td><td class="num">{money(one.amount)}</td>
              </tr>
            ))}
          </Table>
        )}
      </Loaded>
      {pages.hasMore && <Button onClick={pages.more}>Show more</Button>}
      <p class="hint">What is paid by hand is told with <code>berthd admin payout submit</code>, <code>settle</code> and <code>fail</code>.</p>
    </div>
  );
}
