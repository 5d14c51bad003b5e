// SPDX-License-Identifier: Apache-2.0
/** For who runs the market: whether the books are right, who is here, what waits, and what is done by hand. */
import { call } from '../lib/api';
import { moment, money, number } from '../lib/format';
import { usePlace } from '../lib/router';
import { session } from '../lib/session';
import { useStore } from '../lib/store';
import { Card, Chip, Empty, Loaded, Notice, Page, Table, Tabs } from '../ui/parts';
import { useEvery } from '../ui/every';
import { Disputes } from './operator/disputes';
import { Fraud } from './operator/fraud';
import { Machines } from './operator/machines';
import { Payouts } from './operator/payouts';
import { Settings } from './operator/settings';
import { Users } from './operator/users';

function Ledger() {
  const told = useEvery(() => call('GET /api/v0/operator/ledger/'));
  return (
    <Loaded from={told} rows={3}>
      {(trial) => (
        <div class="stack">
          {trial.is_balanced ? <Notice kind="good">The books are balanced: all accounts together come to nothing, to the billionth of a dollar.</Notice>
            : <Notice kind="bad">The books are not balanced. Run <code>berthd check --ledger</code>, and let no money go out before you know why.</Notice>}
          <div class="figures">
            {([['Assets', trial.assets], ['Liabilities', trial.liabilities], ['Equity', trial.equity], ['Income', trial.income], ['Expenses', trial.expenses]] as const)
              .map(([name, value]) => <div class="figure" key={name} title={`$${value}`}><span>{name}</span><strong>{money(Number(value))}</strong></div>)}
          </div>
          <Table head={['Account', 'What it is for', 'Debits', 'Credits', 'Balance']} label="Trial balance">
            {trial.accounts.map((one) => (
              <tr key={one.code}><th scope="row">{one.code} {one.name}</th><td class="wrap">{one.meaning}</td><td class="num">{one.debits}</td><td class="num">{one.credits}</td><td class="num">{one.balance}</td></tr>
            ))}
          </Table>
        </div>
      )}
    </Loaded>
  );
}

interface Metric { name: string; labels: string; help: string; value: number }

/** The text format of Prometheus, as far as the server writes it. */
export function metricsOf(text: string): Metric[] {
  const help = new Map<string, string>();
  const found: Metric[] = [];
  for (const line of text.split('\n')) {
    const told = /^# HELP (\S+) (.*)$/.exec(line);
    if (told) help.set(told[1] as string, told[2] as string);
    const value = /^([a-z_:]+)(\{.*\})? (\S+)$/.exec(line);
    if (value) found.push({ name: value[1] as string, labels: value[2] ?? '', help: help.get(value[1] as string) ?? '', value: Number(value[3]) });
  }
  return found;
}

function Health() {
  const told = useEvery(async () => ({ metrics: metricsOf(await call('GET /metrics')), health: await call('GET /healthz') }));
  return (
    <Loaded from={told} rows={3}>
      {({ metrics, health }) => {
        const plain = metrics.filter((one) => !one.name.includes('_bucket') && !/(route|path)=/.test(one.labels));
        return (
          <div class="stack">
            <p class="row"><Chip kind="good">{health.status}</Chip><span class="muted">berthd {health.version}</span></p>
            <Card title="What it does, and what waits">
              <Table head={['Figure', 'What it is', 'Now']} label="Figures of the server">
                {plain.map((one) => <tr key={one.name + one.labels}><th scope="row">{one.name.replace(/^berth_/, '')}{one.labels && <span class="muted small"> {one.labels}</span>}</th><td class="wrap">{one.help}</td><td class="num">{number(one.value, 3)}</td></tr>)}
              </Table>
            </Card>
          </div>
        );
      }}
    </Loaded>
  );
}

const TABS: [string, string][] = [['', 'Books'], ['users', 'Users'], ['machines', 'Machines'], ['payouts', 'Payouts'], ['disputes', 'Disputes'], ['fraud', 'Fraud'], ['settings', 'Settings'], ['health', 'Queues and health']];

export function OperatorPage(_: { id: number }) {
  const { user } = useStore(session);
  const tab = usePlace().query.get('tab') ?? '';
  if (!user?.is_admin) return <Page title="Operator"><Empty icon="host" title="This is for who runs the market"><a class="button" href="/">Search for GPUs</a></Empty></Page>;
  return (
    <Page title="Operator" lead={`This market, ${moment(Date.now() / 1000)}.`}>
      <Tabs label="Operator" value={tab} tabs={TABS} to={(key) => `/operator${key ? `?tab=${key}` : ''}`} />
      {tab === '' && <Ledger />}
      {tab === 'users' && <Users />}
      {tab === 'machines' && <Machines />}
      {tab === 'payouts' && <Payouts />}
      {tab === 'disputes' && <Disputes />}
      {tab === 'fraud' && <Fraud />}
      {tab === 'settings' && <Settings />}
      {tab === 'health' && <Health />}
    </Page>
  );
}
