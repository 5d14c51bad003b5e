// SPDX-License-Identifier: Apache-2.0
/** The machines that the account lends. */
import { useState } from 'preact/hooks';
import type { Machine } from '#api';
import { call } from '../lib/api';
import { duration, money, number, percent, perTb, plural, rate } from '../lib/format';
import { setQuery, usePlace } from '../lib/router';
import { Icon } from '../ui/icons';
import { Button, Chip, Dialog, Empty, Loaded, Notice, Page, Segments, Table, toast, useAct } from '../ui/parts';
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
      {one.key_revoked_at ? <Chip kind="bad" title="It comes back by a token for it">key revoked</Chip> : null}
      {one.machine_maintenance ? <Chip kind="warn">maintenance ahead</Chip> : null}
      {one.simulated && <Chip kind="warn">simulated</Chip>}
    </span>
  );
}

export const textPerTb = (gb: number | null): string => (gb === null ? '–' : money(perTb(gb)));

/** On the market at the terms that it had last; or off it. */
function ListButton({ one, onDone }: { one: Machine; onDone: () => void }) {
  const { busy, error, act } = useAct();
  const [isSure, setSure] = useState(false);
  const unlist = (): void => act(async () => {
    toast((await call('DELETE /api/v0/machines/{id}/asks/', { path: { id: one.id } })).msg);
    setSure(false);
    onDone();
  });
  if (!one.listed) return <a class="button quiet" href={`/machines?prices=${one.id}`} aria-label={`List machine ${one.id}`}>List</a>;
  return (
    <>
      <Button kind="quiet" aria-label={`Unlist machine ${one.id}`} onClick={() => setSure(true)}>Unlist</Button>
      {isSure && (
        <Dialog title={`Unlist machine ${one.id}?`} onClose={() => setSure(false)}>
          <p>Nobody can rent it any more. The {plural(one.current_rentals_resident, 'rental')} on it go on as they are, at their prices, until their ends.</p>
          {error && <Notice kind="bad">{error}</Notice>}
          <div class="row"><Button kind="danger" busy={busy} onClick={unlist}>Unlist it</Button><Button onClick={() => setSure(false)}>Leave it as it is</Button></div>
        </Dialog>
      )}
    </>
  );
}

function Row({ one, onDone }: { one: Machine; onDone: () => void }) {
  return (
    <>
      <tr>
        <th scope="row"><a href={`/machines/${one.id}`}>m:{one.id}</a><div class="muted small">{one.hostname ?? ''}</div><div class="muted small">{one.public_ipaddr ?? ''}</div></th>
        <td>{nameOf(one)}<div class="muted small">{one.geolocation ?? 'place unknown'}</div><div class="muted small">driver {one.driver_version ?? '–'}</div></td>
        <td><MachineState one={one} /></td>
        <td><Occupancy one={one} /><div class="muted small">{number(one.avail_disk_space)} of {number(one.disk_space)} GB free</div></td>
        <td>{one.listed_gpu_cost === null ? '–' : rate(one.listed_gpu_cost)}<div class="muted small">bids from {one.min_bid_price === null ? '–' : rate(one.min_bid_price)}</div>
          <div class="muted small">{one.credit_discount_max ? `up to ${percent(one.credit_discount_max)} less paid ahead` : 'no discount'}</div></td>
        <td>↑ {textPerTb(one.listed_inet_up_cost)}<div>↓ {textPerTb(one.listed_inet_down_cost)}</div></td>
        <td>{one.reliability2 === null ? '–' : one.reliability2.toFixed(4)}<div class="muted small">{plural(one.num_recent_reports, 'report')} lately</div></td>
        <td>{money(one.earn_hour, 3)}/h<div class="muted small">{money(one.earn_day)} a day</div></td>
        <td>{one.client_end_date === null ? '–' : duration(one.client_end_date - Date.now() / 1000)}</td>
      </tr>
      <tr class="acts"><td colSpan={HEAD.length}><span class="row">
        <a class="button" href={`/machines?prices=${one.id}`} aria-label={`Set Prices of machine ${one.id}`}>Set Prices</a>
        <ListButton one={one} onDone={onDone} />
        <a class="button quiet" href={`/machines/${one.id}?tab=care`} aria-label={`Maintenance of machine ${one.id}`}>Maintenance</a>
        <a class="button quiet" href={`/machines/${one.id}?tab=verification`} aria-label={`Self-test of machine ${one.id}`}>Self-test</a>
        <a class="button quiet" href={`/create-job?machine=${one.id}`} aria-label={`Job of machine ${one.id}`}>Create Job</a>
      </span></td></tr>
      {one.error_description && <tr class="wrong"><td colSpan={HEAD.length}><span class="row"><Icon name="alert" />{one.error_description}</span></td></tr>}
    </>
  );
}

const HEAD = ['Machine', 'GPUs', 'State', 'Rented', 'Price of a GPU', 'Traffic, a TB', 'Reliability', 'Earns now', 'Rented until'];
const STATES: [string, string, (one: Machine) => boolean][] = [['', 'All', () => true], ['listed', 'Listed', (one) => one.listed], ['unlisted', 'Not listed', (one) => !one.listed],
  ['wrong', 'With errors', (one) => one.error_description !== null || one.timeout > 0]];

export function MachinesPage(_: { id: number }) {
  const { query } = usePlace();
  const list = useEvery(() => call('GET /api/v0/machines/'));
  const priced = list.data?.machines.find((one) => String(one.id) === query.get('prices'));
  const text = (query.get('find') ?? '').toLowerCase();
  const fits = STATES.find(([key]) => key === (query.get('state') ?? ''))?.[2] ?? (() => true);
  const shown = list.data?.machines.filter((one) => fits(one) && `${one.id} ${one.hostname} ${one.gpu_name} ${one.public_ipaddr} ${one.geolocation}`.toLowerCase().includes(text)) ?? [];
  return (
    <Page title="Machines" lead="What you lend, and what it earns." actions={<a class="button primary" href="/setup">Add a machine</a>}>
      <Loaded from={list} rows={3} height={64}>
        {({ machines }) => machines.length === 0 ? (
          <Empty icon="host" title="You lend nothing yet">
            <p>Any Linux machine with a recent GPU can join: one command, then your prices. You are paid for each second that it is used.</p>
            <a class="button primary" href="/setup">Add a machine</a>
          </Empty>
        ) : (
          <>
            <div class="strip">
              <Segments label="Which" value={query.get('state') ?? ''} options={STATES.map(([key, name]): [string, string] => [key, name])} onChange={(state) => setQuery({ state })} />
              <div class="field grow"><label class="sr" for="find">Find a machine</label>
                <input id="find" type="search" data-find placeholder="Find by number, name, model, address or place" value={query.get('find') ?? ''} onInput={(event) => setQuery({ find: event.currentTarget.value })} /></div>
            </div>
            <Table label="Machines" kind="dense" head={HEAD}>{shown.map((one) => <Row key={one.id} one={one} onDone={list.reload} />)}</Table>
            <p class="hint">D on demand, I interruptible, R reserved, x free or your own job: a letter for each GPU.</p>
          </>
        )}
      </Loaded>
      {priced && <PricesDialog one={priced} onClose={() => setQuery({ prices: null })} onDone={list.reload} />}
    </Page>
  );
}
