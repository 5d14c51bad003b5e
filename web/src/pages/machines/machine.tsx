// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import type { Machine, MachineReport } from '#api';
import { call } from '../../lib/api';
import { duration, gb, moment, money, network, number, percent, plural, rate } from '../../lib/format';
import { DEFAULTS } from '../../lib/query';
import { setQuery, usePlace } from '../../lib/router';
import { Area, Button, Card, Copy, Empty, Facts, Loaded, Notice, Page, Skeleton, Table, Tabs, toast, useAct, useLoad } from '../../ui/parts';
import { useEvery } from '../../ui/every';
import { MachineState, nameOf, Occupancy, textPerTb } from '../machines';
import { Ends, Extend, Maintenance } from './care';
import { Checks } from './checks';
import { History } from './history';
import { JobCard } from './job';
import { PricesDialog } from './prices';
import { Rentals } from './rentals';

function Overview({ one }: { one: Machine }) {
  return (
    <div class="stack">
      <div class="figures">
        <div class="figure"><span>Earns now</span><strong>{money(one.earn_hour, 3)}/h</strong></div>
        <div class="figure"><span>GPUs</span><strong><Occupancy one={one} /></strong></div>
        <div class="figure"><span>Rentals</span><strong>{one.current_rentals_running} run, {one.current_rentals_resident - one.current_rentals_running} stopped</strong></div>
        <div class="figure"><span>Reliability</span><strong>{percent(one.reliability2, 2)}</strong></div>
      </div>
      <Rentals id={one.id} disk={one.disk_space} />
      <Card title="Prices">
        <Facts rows={[['A GPU, on demand', one.listed_gpu_cost === null ? 'not set' : rate(one.listed_gpu_cost)], ['Lowest bid', one.min_bid_price === null ? '–' : rate(one.min_bid_price)],
          ['Disk', one.listed_storage_cost === null ? '–' : `${money(one.listed_storage_cost)}/GB/month`], ['Sent', `${textPerTb(one.listed_inet_up_cost)}/TB`], ['Received', `${textPerTb(one.listed_inet_down_cost)}/TB`],
          ['Smallest slice', number(one.listed_min_gpu_count)], ['Notice of bids, at most', one.max_grace === null || one.max_grace === undefined ? '–' : `${one.max_grace} s`],
          ['Listed until', one.end_date === null ? 'rolling' : moment(one.end_date)], ['Last rental ends', one.client_end_date === null ? '–' : moment(one.client_end_date)]]} />
      </Card>
      <Card title="Hardware">
        <Facts rows={[['GPUs', nameOf(one)], ['GPU memory', `${gb(one.gpu_ram)} each`], ['DLPerf', number(one.dlperf, 1)], ['PCIe', one.pcie_bw ? `${number(one.pcie_bw, 1)} GB/s` : '–'], ['Driver', one.driver_version ?? '–'],
          ['CPU', one.cpu_name ?? '–'], ['Threads', number(one.cpu_cores)], ['RAM', gb(one.cpu_ram)], ['Disk', `${number(one.avail_disk_space)} of ${number(one.disk_space)} GB free`],
          ['Disk speed', one.disk_bw ? `${number(one.disk_bw)} MB/s` : 'not measured'], ['Network', network(one.inet_down, one.inet_up)], ['Ports', number(one.direct_port_count)],
          ['Address', one.public_ipaddr ?? '–'], ['Place', one.geolocation ?? '–'], ['System', one.os_version ?? '–'], ['berth-host', one.agent_version ?? '–']]} />
      </Card>
    </div>
  );
}

/** Its key was taken from it: another comes in by a token for it alone. */
function WayBack({ one }: { one: Machine }) {
  const [token, setToken] = useState<{ token: string; expires_at: number } | null>(null);
  const { busy, error, act } = useAct();
  const make = (): void => act(async () => setToken(await call('POST /api/v0/machines/enroll_token/', { body: { machine_id: one.id } })));
  return (
    <Notice kind="bad">
      <div class="stack">
        <p>An operator took its key from it on {moment(one.key_revoked_at ?? null)}: it may be in other hands. The machine is away until it comes back by another; what runs on it runs on, and nothing is deleted.
          Find out first how the key got out: whoever reads <code>/var/lib/berth-host</code> reads the next one, too.</p>
        {error && <p>{error}</p>}
        {!token ? <div><Button kind="primary" icon="key" busy={busy} onClick={make}>Make a token for it</Button></div> : (
          <>
            <p>On the machine, as root, within {duration(token.expires_at - Date.now() / 1000)}:</p>
            <Copy text={`berth-host install --config /etc/berth/host.conf --token ${token.token} && systemctl restart berth-host`} label="Let it back" secret />
          </>
        )}
      </div>
    </Notice>
  );
}

function Rank({ one }: { one: Machine }) {
  const told = useLoad(() => call('POST /api/v0/machines/{id}/rank/', { path: { id: one.id }, body: {} }));
  return (
    <Loaded from={told} rows={2}>
      {({ offers, count, first }) => offers.length === 0 ? <Empty icon="chart" title="It has no offers now"><p>An unlisted or offline machine is in no search, and one that is rented whole has nothing to offer.</p></Empty> : (
        <div class="stack">
          <Table label="Where its offers rank" head={['Offer', 'Place', 'Price of a GPU', 'To be first', 'To be in the first ten', 'Does not fit because of']}>
            {offers.map(({ offer, price_gpu: price, price_to_lead: lead, price_to_top_ten: ten }) => (
              <tr key={offer.id}>
                <th scope="row">{plural(offer.num_gpus, 'GPU')}</th>
                <td>{offer.rank === null ? 'not found' : `${number(offer.rank)} of ${number(count)}`}</td>
                <td>{rate(price)}</td><td>{lead === null ? '–' : rate(lead)}</td><td>{ten === null ? '–' : rate(ten)}</td>
                <td class="wrap">{offer.misses.map((miss) => miss.field).join(', ') || (offer.is_rented ? 'it is rented' : '–')}</td>
              </tr>
            ))}
          </Table>
          <p class="hint">Of a search without any filter; renters begin with verified machines that are {DEFAULTS.reliability} % reliable and can be had for {DEFAULTS.days} days, where there are such. {first && `First is ${number(first.num_gpus)}× ${first.gpu_name ?? ''} at ${rate(first.dph_total)}.`} The same query always gives the same order.</p>
        </div>
      )}
    </Loaded>
  );
}

/** What the host has to say to it; who wrote the report reads that beside it. */
function Reply({ report, onDone }: { report: MachineReport; onDone: () => void }) {
  const [text, setText] = useState<string | null>(null);
  const { busy, error, act } = useAct();
  const send = (): void => act(async () => {
    const { msg } = await call('PUT /api/v0/machines/reports/', { body: { report_id: report.id, reply: text ?? '' } });
    setText(null);
    toast(msg);
    onDone();
  });
  if (text === null)
    return <div class="row">{report.reply && <span class="muted">You, {moment(report.replied_at)}: {report.reply}</span>}<Button kind="quiet" onClick={() => setText(report.reply ?? '')}>{report.reply ? 'Change the reply' : 'Reply'}</Button></div>;
  return (
    <form class="stack tight" onSubmit={(event) => { event.preventDefault(); send(); }}>
      <Area label="Your reply" value={text} rows={2} required onInput={setText} />
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="row"><Button kind="primary" type="submit" busy={busy}>Send it</Button><Button onClick={() => setText(null)}>Leave it</Button></div>
    </form>
  );
}

function Reports({ one }: { one: Machine }) {
  const list = useLoad(() => call('GET /api/v0/machines/{id}/reports/', { path: { id: one.id } }));
  return (
    <Loaded from={list} rows={2}>
      {(reports) => reports.length === 0 ? <Empty icon="check" title="No renter has reported anything"><p>What renters say of the machine is here, in their words.</p></Empty> : (
        <Card title="What renters say"><ol class="events">{reports.map((report) => <li key={report.id}><span class="muted">{moment(report.created_at)}</span><div class="stack tight"><span><b>{report.problem}</b> {report.message}</span><Reply report={report} onDone={list.reload} /></div></li>)}</ol></Card>
      )}
    </Loaded>
  );
}

const TABS: [string, string][] = [['', 'Overview'], ['care', 'Job and maintenance'], ['rank', 'Rank'], ['verification', 'Verification'], ['history', 'History'], ['reports', 'Reports']];

export function MachinePage({ id }: { id: number }) {
  const { query } = usePlace();
  const tab = query.get('tab') ?? '';
  const list = useEvery(() => call('GET /api/v0/machines/'), [id]);
  const one = list.data?.machines.find((machine) => machine.id === id);
  const to = (key: string): string => `/machines/${id}${key ? `?tab=${key}` : ''}`;

  if (!one)
    return <Page title={`Machine ${id}`}>{list.data ? <Empty icon="host" title="It is not among your machines"><a class="button" href="/machines">All machines</a></Empty> : <Skeleton rows={3} height={120} />}</Page>;
  return (
    <Page title={`Machine ${id}`} lead={`${nameOf(one)}${one.hostname ? ` in ${one.hostname}` : ''}`}
      actions={<><MachineState one={one} /><a class="button" href={`/earnings?machine=${id}`}>Earnings</a><a class="button primary" href={`${to(tab)}${tab ? '&' : '?'}prices=${id}`}>Set Prices</a></>}>
      {one.error_description && <Notice kind="bad">{one.error_description}</Notice>}
      {one.key_revoked_at ? <WayBack one={one} /> : one.timeout > 0 && <Notice kind="warn">It has said nothing for {duration(one.timeout)}. Nothing on it is charged until it does. Is berth-host running there, and does it reach this market?</Notice>}
      {one.machine_maintenance ? <Notice>Maintenance is announced: <a href={to('care')}>when, and for how long</a>.</Notice> : null}
      <Tabs label="Machine" value={tab} tabs={TABS} to={to} />
      {tab === '' && <Overview one={one} />}
      {tab === 'care' && <div class="stack"><JobCard one={one} onDone={list.reload} /><Maintenance one={one} onDone={list.reload} /><Extend one={one} onDone={list.reload} /><Ends one={one} onDone={list.reload} /></div>}
      {tab === 'rank' && <Rank one={one} />}
      {tab === 'verification' && <Card title="What is asked of it"><Checks id={id} /></Card>}
      {tab === 'history' && <History one={one} />}
      {tab === 'reports' && <Reports one={one} />}
      {query.get('prices') && <PricesDialog one={one} onDone={list.reload} onClose={() => setQuery({ prices: null })} />}
    </Page>
  );
}
