// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import type { Instance, Volume } from '#api';
import { call } from '../lib/api';
import { day, duration, money, plural, rate } from '../lib/format';
import { live } from '../lib/live';
import { setQuery, usePlace } from '../lib/router';
import { refreshUser, session } from '../lib/session';
import { useStore } from '../lib/store';
import { useEvery } from '../ui/every';
import { Button, Card, Dialog, Empty, Facts, Field, Notice, Page, Table, Tabs, toast, useAct, useLoad } from '../ui/parts';
import { AddCredit } from './billing/add';
import { LowCredit, SavedCards } from './billing/alone';
import { Charges } from './billing/charges';
import { InvoiceDetails } from './billing/details';
import { Payments, Statements } from './billing/payments';
import { isOn } from './instances';
import { nameOf } from './search/offer';

function Transfer({ onClose }: { onClose: () => void }) {
  const [to, setTo] = useState('');
  const [amount, setAmount] = useState('');
  const { busy, error, act } = useAct();
  const give = (): void => act(async () => {
    const { msg } = await call('PUT /api/v0/commands/transfer_credit/', { body: { recipient: to, amount } });
    await refreshUser();
    toast(msg);
    onClose();
  });
  return (
    <Dialog title="Transfer credit" onClose={onClose}>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); give(); }}>
        <p>Bought credit goes to another account at once, and for good: nobody can take it back but who gets it.</p>
        <Field label="To whom" value={to} required hint="An email, or an account's number." onInput={(event) => setTo(event.currentTarget.value)} />
        <Field label="How much" unit="$" value={amount} required inputMode="decimal" onInput={(event) => setAmount(event.currentTarget.value)} />
        {error && <Notice kind="bad">{error}</Notice>}
        <Button kind="danger" type="submit" busy={busy}>Give {Number(amount) > 0 ? money(Number(amount), 2) : 'it'} away</Button>
      </form>
    </Dialog>
  );
}

/** What is being spent: of each instance, as long as it is as it is now. */
function Spending({ instances, volumes }: { instances: Instance[]; volumes: Volume[] }) {
  const line = (name: preact.ComponentChildren, key: string, gpu: number, disk: number, volume = 0) => (
    <tr key={key}>
      <th scope="row">{name}</th>
      {[gpu, disk, volume, gpu + disk + volume].map((part, i) => <td class="num" key={i}>{part === 0 ? '–' : money(part, 4)}</td>)}
      <td class="num">{money((gpu + disk + volume) * 24)}</td>
    </tr>
  );
  const volumeSum = volumes.reduce((total, one) => total + one.storage_total_cost, 0);
  const gpuOf = (one: Instance): number => (isOn(one) && one.actual_status === 'running' ? one.dph_base : 0);
  const all = (of: (one: Instance) => number): number => instances.reduce((total, one) => total + of(one), 0);

  if (instances.length + volumes.length === 0)
    return <Empty icon="servers" title="Nothing costs anything now"><p>Only what you rent does: GPUs while they run for you, disks until you destroy them.</p><a class="button" href="/">Find GPUs</a></Empty>;
  return (
    <>
      <Table head={['What', 'GPUs, an hour', 'Disk, an hour', 'Volumes, an hour', 'An hour', 'A day']} label="What is being spent">
        {line(<b>Total</b>, 'total', all(gpuOf), all((one) => one.storage_total_cost), volumeSum)}
        {instances.map((one) => line(<a href={`/instances/${one.id}`}>C.{one.id} {one.label || nameOf(one)}</a>, String(one.id), gpuOf(one), one.storage_total_cost))}
        {volumes.map((one) => line(<a href={`/volumes?id=${one.id}`}>V.{one.id} {one.label}</a>, `v${one.id}`, 0, 0, one.storage_total_cost))}
      </Table>
      <p class="hint">Traffic comes on top, for what is moved.</p>
    </>
  );
}

/** For who comes back from the provider's page: what has become of the payment, until it is over. */
function CameBack({ id }: { id: number }) {
  const told = useEvery(() => call('GET /api/v0/billing/deposits/{id}/', { path: { id } }), [id]);
  const one = told.data?.deposit;
  if (!one) return null;
  const away = <Button onClick={() => setQuery({ deposit: null })}>Close</Button>;
  if (one.state === 'paid') return <Notice kind="good" action={away}>{money(one.amount)} are paid, and are part of your credit. <a href="/billing?tab=statements">The receipt</a></Notice>;
  if (one.state === 'failed' || one.state === 'cancelled') return <Notice kind="bad" action={away}>The payment of {money(one.amount)} was not made{one.reason && `: ${one.reason}`}. Nothing was charged.</Notice>;
  return <Notice action={away}>The payment of {money(one.amount)} is not confirmed yet. It becomes credit by itself as soon as the provider says so.</Notice>;
}

function Overview() {
  const { credit, burnHour, instances } = useStore(live);
  const { user } = useStore(session);
  const { query } = usePlace();
  const add = query.get('add') ?? '';
  const [shown, setShown] = useState<'add' | 'transfer' | null>(add ? 'add' : null);
  const have = credit ?? user?.credit ?? 0;
  const volumes = useLoad(async () => (await call('GET /api/v0/volumes/')).volumes);
  const rows: [string, preact.ComponentChildren][] = [];

  if (user?.pending_credit) rows.push(['Expected', `${money(user.pending_credit)}: it was sent and has not arrived`]);
  const ahead = [...(instances?.values() ?? [])].filter((one) => one.credit_balance !== null);
  if (ahead.length > 0) rows.push(['Paid ahead', `${money(ahead.reduce((sum, one) => sum + (one.credit_balance ?? 0), 0))} for ${plural(ahead.length, 'instance')}`]);
  if (user?.held_credit) rows.push(['Set aside', `${money(user.held_credit)}: an operator looks at it`]);
  return (
    <div class="stack">
      <div class="figures">
        <div class="figure"><span>Credit</span><strong aria-live="off" data-live="credit">{money(have, 4)}</strong></div>
        <div class="figure"><span>You spend now</span><strong>{rate(burnHour ?? 0)}</strong></div>
        <div class="figure"><span>You will run out of credit in</span><strong>{burnHour ? duration(Math.max(0, have / burnHour) * 3600) : '–'}</strong></div>
      </div>
      {query.get('deposit') && <CameBack id={Number(query.get('deposit'))} />}
      {have <= 0 && <Notice kind="warn">Without credit your instances are stopped; their files are kept for now. Add credit to go on.</Notice>}
      {rows.length > 0 && <Facts rows={rows} />}
      <div class="row">
        <Button kind="primary" icon="card" onClick={() => setShown('add')}>Add credit</Button>
        <Button onClick={() => setShown('transfer')}>Transfer credit</Button>
      </div>
      <Card title="What you spend now" actions={burnHour ? <span class="muted">{day(burnHour)}</span> : undefined}>
        <Spending instances={[...(instances?.values() ?? [])]} volumes={volumes.data ?? []} />
      </Card>
      <InvoiceDetails />
      <LowCredit />
      <SavedCards />
      {shown === 'add' && <AddCredit amount={add} onClose={() => setShown(null)} />}
      {shown === 'transfer' && <Transfer onClose={() => setShown(null)} />}
    </div>
  );
}

const TABS: [string, string][] = [['', 'Overview'], ['charges', 'Charges'], ['payments', 'Invoices'], ['statements', 'Statements']];

export function BillingPage(_: { id: number }) {
  const tab = usePlace().query.get('tab') ?? '';
  return (
    <Page title="Billing" lead="Your credit, what it went on, and what came in.">
      <Tabs label="Billing" value={tab} tabs={TABS} to={(key) => `/billing${key ? `?tab=${key}` : ''}`} />
      {tab === '' && <Overview />}
      {tab === 'charges' && <Charges />}
      {tab === 'payments' && <Payments />}
      {tab === 'statements' && <Statements />}
    </Page>
  );
}
