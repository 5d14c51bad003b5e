// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import type { Instance } from '#api';
import { call } from '../lib/api';
import { download } from '../lib/download';
import { moment, number } from '../lib/format';
import { live } from '../lib/live';
import { setQuery, usePlace } from '../lib/router';
import { useStore } from '../lib/store';
import { Button, Card, Check, Copy, Empty, Facts, Field, Loaded, Notice, Page, Skeleton, Table, Tabs, useAct, useLoad } from '../ui/parts';
import { Actions, Cost, Head, Meters, Reason, stateOf } from './instances';
import { Charts } from './instances/charts';
import { MachineFacts, RentalFacts } from './instances/facts';
import { MoveNotice, TakeOver } from './instances/move';
import { ReserveDialog } from './instances/reserve';
import { Rules } from './rules';
import { nameOf } from './search/offer';

const LOG_WAIT_MS = 400;
const LOG_TRIES = 75; // half a minute

function Overview({ one }: { one: Instance }) {
  return (
    <div class="stack">
      <Card title="Now"><Meters one={one} /></Card>
      <Charts one={one} />
      <Card title="Machine"><MachineFacts one={one} /></Card>
      <Card title="Rental"><RentalFacts one={one} /></Card>
    </div>
  );
}

function Connect({ one }: { one: Instance }) {
  const ports = Object.entries(one.ports ?? {});
  const isReady = stateOf(one).kind === 'good' && one.ssh_host !== null && one.ssh_port !== null;
  const login = `ssh -p ${one.ssh_port} root@${one.ssh_host}`;
  if (!isReady) return <Notice>It can be connected to once it runs. This page changes by itself.</Notice>;
  return (
    <div class="stack">
      <Card title="SSH" actions={<a class="button" href="/keys?tab=ssh">SSH keys</a>}>
        <div class="stack">
          <Copy text={login} label="Log in" />
          <p class="hint">With port 8080 of the instance at localhost:8080 of your machine:</p>
          <Copy text={`${login} -L 8080:localhost:8080`} label="Log in, with a port" />
          <p class="hint">Files:</p>
          <Copy text={`scp -P ${one.ssh_port} FILE root@${one.ssh_host}:`} label="Copy a file" />
        </div>
      </Card>
      {one.jupyter_token && (
        <Card title="Jupyter">
          {one.jupyter_url ? <div class="stack">
            <a class="button primary" href={one.jupyter_url} target="_blank" rel="noreferrer">Open Jupyter</a>
            {one.jupyter_url.startsWith('http://localhost') && <p class="hint">It is behind SSH: log in with the second command above first.</p>}
          </div> : <Notice>Jupyter does not answer yet.</Notice>}
        </Card>
      )}
      <Card title="Address and ports">
        <Facts rows={[['Public address', one.public_ipaddr ?? '–'], ['Kind', one.static_ip ? 'Static' : 'Dynamic: it may change'], ['Addresses inside', one.local_ipaddrs || '–'],
          ['Port for copies', one.machine_dir_ssh_port === null ? '–' : number(one.machine_dir_ssh_port)], ['Port range', one.direct_port_start < 0 ? '–' : `${one.direct_port_start}–${one.direct_port_end}`]]} />
        {ports.length > 0 && (
          <Table head={['Inside', 'Outside']} label="Open ports">
            {ports.flatMap(([inside, outside]) => outside.map(({ HostPort: port }) => (
              <tr key={inside + port}><th scope="row">{inside}</th><td><code>{one.public_ipaddr}:{port}</code></td></tr>
            )))}
          </Table>
        )}
      </Card>
    </div>
  );
}

/** The host is asked for it, and writes it to an address that answers once it is there. */
async function readLog(id: number, tail: string, filter: string, isHosts: boolean): Promise<string> {
  const { result_url: url } = await call('PUT /api/v0/instances/request_logs/{id}/', { path: { id }, body: { tail, filter: filter || null, daemon_logs: isHosts ? 'true' : null } });
  const path = new URL(url).pathname;
  await new Promise((resolve) => setTimeout(resolve, LOG_WAIT_MS));
  for (let i = 0; i < LOG_TRIES; i++) {
    const reply = await fetch(path);
    if (reply.ok) return reply.text();
    await new Promise((resolve) => setTimeout(resolve, LOG_WAIT_MS));
  }
  throw new Error('The host has not answered within half a minute. It may be offline; try again.');
}

function Log({ one }: { one: Instance }) {
  const [tail, setTail] = useState('200');
  const [filter, setFilter] = useState('');
  const [isHosts, setHosts] = useState(false);
  const [text, setText] = useState<string | null>(null);
  const { busy, error, act } = useAct();
  const read = (): void => act(async () => setText(await readLog(one.id, tail, filter, isHosts)));
  return (
    <div class="stack">
      <form class="two" onSubmit={(event) => { event.preventDefault(); read(); }}>
        <Field label="Last lines" type="number" min={1} max={10000} value={tail} onInput={(event) => setTail(event.currentTarget.value)} />
        <Field label="Only lines with" value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
        <Check label="What its host wrote about it" checked={isHosts} onChange={setHosts} />
        <div class="row"><Button kind="primary" type="submit" busy={busy}>{text === null ? 'Read the log' : 'Read it again'}</Button></div>
      </form>
      {error && <Notice kind="bad">{error}</Notice>}
      {busy && text === null && <Skeleton rows={1} height={160} />}
      {text && <div><Button icon="down" onClick={() => download(`instance-${one.id}.log`, text, 'text/plain')}>Download it</Button></div>}
      {text !== null && <pre class="log" tabIndex={0} aria-label="Log">{text || 'Nothing was written yet.'}</pre>}
    </div>
  );
}

function History({ one }: { one: Instance }) {
  const why = useLoad(() => call('GET /api/v0/instances/{id}/why/', { path: { id: one.id } }), [one.actual_status, one.cur_state]);
  return (
    <Loaded from={why}>
      {({ events }) => (
        <Card title="What became of it">
          <ol class="events">{events.map((event) => <li key={`${event.at} ${event.event}`}><span class="muted">{moment(event.at)}</span><span>{event.msg}</span></li>)}</ol>
        </Card>
      )}
    </Loaded>
  );
}

const TABS: [string, string][] = [['', 'Overview'], ['connect', 'Connect'], ['log', 'Log'], ['history', 'History'], ['rules', 'Rules']];

export function InstancePage({ id }: { id: number }) {
  const { instances } = useStore(live);
  const { query } = usePlace();
  const tab = query.get('tab') ?? '';
  const one = instances?.get(id);

  if (!one) {
    return (
      <Page title={`Instance ${id}`}>
        {!instances ? <Skeleton rows={3} height={130} /> : (
          <Empty icon="servers" title="It is not among your instances">
            <p>It may just be being made; then it appears here by itself. If it was destroyed, it is gone for good.</p>
            <a class="button" href="/instances">All instances</a>
          </Empty>
        )}
      </Page>
    );
  }
  return (
    <Page title={one.label || `Instance ${id}`} lead={`${nameOf(one)} on machine ${one.machine_id}`} actions={<><Head one={one} /><Cost one={one} /></>}>
      <div class="stack">
        <Reason one={one} />
        <MoveNotice one={one} />
        {query.get('moved') && <TakeOver one={one} from={Number(query.get('moved'))} />}
        <Actions one={one} />
        <Tabs label="Instance" value={tab} tabs={TABS} to={(key) => `/instances/${id}${key ? `?tab=${key}` : ''}`} />
      </div>
      {query.get('reserve') === '1' && <ReserveDialog one={one} onClose={() => setQuery({ reserve: null })} />}
      {tab === '' && <Overview one={one} />}
      {tab === 'connect' && <Connect one={one} />}
      {tab === 'log' && <Log one={one} />}
      {tab === 'history' && <History one={one} />}
      {tab === 'rules' && <Rules one={one} />}
    </Page>
  );
}
