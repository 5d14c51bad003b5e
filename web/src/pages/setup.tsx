// SPDX-License-Identifier: Apache-2.0
/** From a bare machine to one that earns: one command with a token, and what of the way is done. */
import { useState } from 'preact/hooks';
import type { Machine } from '#api';
import { call } from '../lib/api';
import { duration, network, number } from '../lib/format';
import { setQuery, usePlace } from '../lib/router';
import { useRules } from '../lib/rules';
import { Icon } from '../ui/icons';
import { Button, Card, Check, Copy, Notice, Page, Select, useAct } from '../ui/parts';
import { useEvery } from '../ui/every';
import { Checks } from './machines/checks';

type Step = [name: string, isDone: boolean | null, hint: string]; // null: it cannot be said from here

function stepsOf(one: Machine, verifies: boolean): Step[] {
  return [
    ['It has joined your account', true, `As machine ${one.id}, ${one.hostname ?? 'without a name'}.`],
    ['It is in contact', one.timeout === 0, one.timeout === 0 ? 'It reports every few seconds.' : `Silent for ${duration(one.timeout)}: is berth-host running?`],
    ['Its container engine works', one.timeout > 0 ? null : one.error_description === null, one.error_description ?? 'Containers can be started.'],
    ['Its GPUs are known', one.num_gpus > 0, one.num_gpus > 0 ? `${one.num_gpus}× ${one.gpu_name ?? 'GPU'}, driver ${one.driver_version ?? 'not told'}.` : 'None was found: it can be lent as a machine without GPUs.'],
    ['It can be reached', one.direct_port_count > 0, one.direct_port_count > 0 ? `${number(one.direct_port_count)} ports at ${one.public_ipaddr ?? 'its address'}.` : 'No open ports: renters come through the market’s relay, if it has one.'],
    ['Its network is measured', one.inet_down !== null && one.inet_up !== null, one.inet_down === null ? 'Nothing is known of it yet.' : `${network(one.inet_down, one.inet_up)}.`],
    ['Its disk is measured', Boolean(one.disk_bw), one.disk_bw ? `${number(one.disk_bw)} MB/s, ${number(one.disk_space)} GB to give away.` : 'berth-host does that when it starts.'],
    ['It is verified', one.verification === 'verified', one.verification === 'verified' ? (verifies ? 'This market counts every machine as verified.' : 'It has passed the market’s tests.') : 'Renters who want verified machines alone do not see it yet.'],
    ['It is listed', one.listed, one.listed ? 'Renters can have it.' : 'Set its prices: that lists it.'],
  ];
}

function Checklist({ one }: { one: Machine }) {
  const rules = useRules();
  const steps = stepsOf(one, rules?.auto_verifies ?? false);
  return (
    <ol class="steps" aria-label={`Machine ${one.id}, step by step`}>
      {steps.map(([name, isDone, hint]) => (
        <li key={name} class={isDone ? 'done' : undefined}>
          <Icon name={isDone ? 'check' : isDone === null ? 'help' : 'alert'} />
          <div><b>{name}</b><span class="sr">{isDone ? ': done' : ': not yet'}</span><p class="hint">{hint}</p></div>
        </li>
      ))}
    </ol>
  );
}

function Command() {
  const [isAgreed, setAgreed] = useState(false);
  const [token, setToken] = useState<{ token: string; expires_at: number } | null>(null);
  const rules = useRules();
  const { busy, error, act } = useAct();
  const options = `--server ${location.origin} --token ${token?.token} --ports 41000-41099`;
  const make = (): void => act(async () => setToken(await call('POST /api/v0/machines/enroll_token/')));
  return (
    <div class="stack">
      {error && <Notice kind="bad">{error}</Notice>}
      <details class="question"><summary>What you agree to</summary><ul class="prose">
        <li>Renters run what they like on it within their walls; you look into neither their files nor their traffic.</li>
        <li>What you promise you keep: the hardware that it shows, the prices of a rental until its end, and the machine until the day that you have set.</li>
        <li>To take it back from who rents on demand takes {rules?.reclaim_hours ?? '…'} hours of notice; while it is out of contact you earn nothing{rules?.downtime_credit_percent ? `, and give back ${rules.downtime_credit_percent} % of its price` : ''}.</li>
        <li>The market keeps {rules?.fee_percent} % of what renters pay, and pays you within {rules?.payout_within_days} days after each Friday.</li>
      </ul></details>
      {!token ? (
        <div class="stack">
          <p>A machine joins with a token that is good once, for {rules?.enroll_token_minutes ?? '…'} minutes, and for nothing else: it opens neither your account nor your other machines.</p>
          <Check label="I agree to that" checked={isAgreed} onChange={setAgreed} />
          <div><Button kind="primary" icon="key" busy={busy} disabled={!isAgreed} onClick={make}>Make a token</Button></div>
        </div>
      ) : (
        <div class="stack">
          <p>On the machine, as root, with the package <code>berth-host</code> on it:</p>
          <Copy text={`berth-host install ${options} && systemctl enable --now berth-host`} label="Join the market" secret />
          <details><summary class="small">Without the package or systemd</summary><div class="stack">
            <Copy text={`berth-host run ${options}`} label="Join the market in the foreground" secret />
          </div></details>
          <p class="hint">The ports are those that are open to it from outside; without <code>--ports</code> it is reached through the market's relay, if that has one.
            The token ends in {duration(token.expires_at - Date.now() / 1000)}, or once it is used.</p>
          <div><Button busy={busy} onClick={make}>Make another</Button></div>
        </div>
      )}
    </div>
  );
}

export function SetupPage(_: { id: number }) {
  const { query } = usePlace();
  const list = useEvery(() => call('GET /api/v0/machines/'));
  const machines = list.data?.machines ?? [];
  const one = machines.find(({ id }) => String(id) === query.get('machine')) ?? machines.at(-1);
  const rules = useRules();
  return (
    <Page title="Add a machine" lead="One command, then your prices. You need no approval.">
      <div class="stack">
        <Card title="1. What does it lack?">
          <div class="stack">
            <p>This says what a machine needs and has, and how to mend what is missing. It changes nothing.</p>
            <Copy text="berth-host doctor" label="Examine the machine" />
          </div>
        </Card>
        <Card title="2. Let it join"><Command /></Card>
        <Card title="3. Watch it come" actions={machines.length > 1 && <Select label="Machine" hideLabel value={String(one?.id ?? '')} onChange={(machine) => setQuery({ machine })}
          options={machines.map((machine) => [String(machine.id), `m:${machine.id} ${machine.hostname ?? ''}`])} />}>
          {one ? <Checklist one={one} /> : <p class="muted" role="status">No machine has joined yet. It appears here by itself.</p>}
        </Card>
        {one && <Card title="4. What is asked of it to be verified"><Checks id={one.id} /></Card>}
        {one && (
          <Card title="5. List it">
            <div class="stack">
              <p>Renters pay by the second; you get {100 - (rules?.fee_percent ?? 0)} % of it, and are invoiced every Friday. What runs keeps its price until its end: unlisting a machine
                or raising its prices changes no rental that runs.</p>
              <div><a class="button primary" href={`/machines?prices=${one.id}`}>{one.listed ? 'Set Prices' : 'Set Prices and list it'}</a></div>
            </div>
          </Card>
        )}
      </div>
    </Page>
  );
}
