// SPDX-License-Identifier: Apache-2.0
/** Searches that wait for their first find, to rent it or to tell of it. They are made where one searches. */
import type { Order } from '#api';
import { call } from '../lib/api';
import { duration, moment } from '../lib/format';
import { wordsOf } from '../lib/query';
import { useEvery } from '../ui/every';
import { Button, Chip, Empty, Loaded, Notice, Page, Table, toast, useAct } from '../ui/parts';

const STATES: Record<Order['state'], [string, 'good' | 'busy' | 'plain' | 'warn']> = {
  waiting: ['waits', 'busy'], fired: ['found', 'good'], cancelled: ['cancelled', 'plain'], too_late: ['found nothing in time', 'warn'],
};

function Row({ one, onDone }: { one: Order; onDone: () => void }) {
  const { busy, error, act } = useAct();
  const [word, kind] = STATES[one.state];
  const cancel = (): void => act(async () => {
    await call('DELETE /api/v0/orders/{id}/', { path: { id: one.id } });
    toast(`Order ${one.id} waits no longer.`);
    onDone();
  });
  return (
    <tr>
      <th scope="row">{one.label || `Order ${one.id}`}<div class="muted small">{one.id} · {moment(one.created_at)}</div></th>
      <td class="wrap">{wordsOf(one.query)}</td>
      <td>{one.starts ? 'Rent it and start' : 'Tell me'}</td>
      <td><Chip kind={kind}>{word}</Chip>{one.note && <div class="muted small">{one.note}</div>}</td>
      <td>{one.state === 'waiting' ? `for ${duration(one.expires_at - Date.now() / 1000)} more` : moment(one.ended_at)}</td>
      <td>
        {one.state === 'waiting' && <Button kind="quiet" icon="close" busy={busy} aria-label={`Cancel order ${one.id}`} onClick={cancel}>Cancel</Button>}
        {one.instance_id !== null ? <a href={`/instances/${one.instance_id}`}>C.{one.instance_id}</a> : one.offer_id !== null && `offer ${one.offer_id}`}
        {error && <Notice kind="bad">{error}</Notice>}
      </td>
    </tr>
  );
}

export function OrdersPage(_: { id: number }) {
  const list = useEvery(() => call('GET /api/v0/orders/'));
  return (
    <Page title="Standing orders" lead="What you wait for: the first offer that fits is rented for you, or you are told."
      actions={<a class="button primary" href="/">Search, then wait for it</a>}>
      <Loaded from={list} rows={2} height={52}>
        {({ orders }) => orders.length === 0 ? (
          <Empty icon="clock" title="You wait for nothing">
            <p>Set the filters of a search to what you want, at the price that you would pay, and press “Wait for it” there. Waiting costs nothing.</p>
            <a class="button" href="/">Search for GPUs</a>
          </Empty>
        ) : (
          <Table label="Standing orders" head={['Order', 'What it looks for', 'Once it is found', 'State', 'Until', '']}>
            {orders.map((one) => <Row key={one.id} one={one} onDone={list.reload} />)}
          </Table>
        )}
      </Loaded>
    </Page>
  );
}
