// SPDX-License-Identifier: Apache-2.0
/** The machines that the account lends. */
import type { Machine } from '#api';
import { call } from '../lib/api';
import { duration, money, number, percent, rate } from '../lib/format';
import { setQuery, usePlace } from '../lib/router';
import { Chip, Empty, Loaded, Page, Table } from '../ui/parts';
import { useEvery } from '../ui/every';
import { PricesDialog } from './machines/prices';

export const nameOf = (one: Machine): string => (one.num_gpus > 0 ? `${one.num_gpus}× ${one.gpu_name ?? 'GPU'}` : (one.cpu_name ?? 'CPU'));

/** One letter a GPU, and what the letters mean for who cannot guess. */
export function Occupancy({ one }: { one: Machine }) {
  const letters = one.gpu_occupancy.trim().split(/\s+/).filter(Boolean);
  const free = letters.filter((letter) => letter === 'x').length;
  if (letters.length === 0) return <span class="muted">–</span>;
  return <span class="gpus" role="img" title="D on demand, I interruptible, R reserved, x free or your own job" aria-label={`${letters.length - free} of ${letters.length} GPUs are rented`}>{letters.join(' ')}</span>;
}

export function MachineState({ one }: { one: Machine }) {
  return (
    <span class="row chips">
      {one.timeout === 0 ? <Chip kind="good">online</Chip> : <Chip kind="bad" title={`Silent for ${duration(one.timeout)}`}>offline</Chip>}
      {one.listed ? <Chip kind="good">listed</Chip> : <Chip>not listed</Chip>}
      {one.verification === 'verified' ? <Chip kind="good">verified</Chip> : <Chip kind="warn">{one.verification}</Chip>}
      {one.error_description && <Chip kind="bad" title={one.error_description}>error</Chip>}
      {one.machine_maintenance ? <Chip kind="warn">maintenance ahead</Chip> : null}
      {one.simulated && <Chip kind="warn">simulated</Chip>}
    </span>
  );
}

export const perTb = (gb: number | null): string => (gb === null ? '–' : money(gb * 1024));

function Row({ one }: { one: Machine }) {
  return (
    <tr>
      <th scope="row"><a href={`/machines/${one.id}`}>m:{one.id}</a><div class="muted small">{one.hostname ?? ''}</div></th>
      <td>{nameOf(one)}<div class="muted small">{one.geolocation ?? one.public_ipaddr ?? ''}</div></td>
      <td><MachineState one={one} /></td>
      <td><Occupancy one={one} /></td>
      <td>{one.listed_gpu_cost === null ? '–' : rate(one.listed_gpu_cost)}<div class="muted small">bids from {one.min_bid_price === null ? '–' : rate(one.min_bid_price)}</div></td>
      <td>{percent(one.reliability2, 2)}<div class="muted small">{number(one.num_recent_reports)} reports lately</div></td>
      <td>{money(one.earn_hour, 3)}/h<div class="muted small">{money(one.earn_day)} a day</div></td>
      <td>{one.client_end_date === null ? '–' : duration(one.client_end_date - Date.now() / 1000)}</td>
      <td><a class="button" href={`/machines?prices=${one.id}`} aria-label={`Set Prices of machine ${one.id}`}>Set Prices</a></td>
    </tr>
  );
}

export function MachinesPage(_: { id: number }) {
  const { query } = usePlace();
  const list = useEvery(() => call('GET /api/v0/machines/'));
  const priced = list.data?.machines.find((one) => String(one.id) === query.get('prices'));
  return (
    <Page title="Machines" lead="What you lend, and what it earns." actions={<a class="button primary" href="/setup">Add a machine</a>}>
      <Loaded from={list} rows={3} height={64}>
        {({ machines }) => machines.length === 0 ? (
          <Empty icon="host" title="You lend nothing yet">
            <p>Any Linux machine with a recent GPU can join: one command, then your prices. You are paid for each second that it is used.</p>
            <a class="button primary" href="/setup">Add a machine</a>
          </Empty>
        ) : (
          <Table label="Machines" head={['Machine', 'GPUs', 'State', 'Rented', 'Price of a GPU', 'Reliability', 'Earns now', 'Rented until', '']}>
            {machines.map((one) => <Row key={one.id} one={one} />)}
          </Table>
        )}
      </Loaded>
      {priced && <PricesDialog one={priced} onClose={() => setQuery({ prices: null })} onDone={list.reload} />}
    </Page>
  );
}
