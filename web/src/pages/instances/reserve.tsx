// SPDX-License-Identifier: Apache-2.0
/** Paying ahead for an instance: what months would cost and save, what is in its deposit, and what of it comes back. */
import { useState } from 'preact/hooks';
import type { Instance, InstanceDepositReply } from '#api';
import { call } from '../../lib/api';
import { day, duration, money, number, percent, plural, rate } from '../../lib/format';
import { readSoon } from '../../lib/live';
import { refreshUser } from '../../lib/session';
import { Button, Dialog, Facts, Field, Loaded, Notice, toast, useAct, useLoad } from '../../ui/parts';

const OWN = 'own';

export const isReserved = (one: Instance): boolean => one.credit_balance !== null;
/** Without the discount that it has. */
const listHour = (one: Instance): number => one.dph_total / (1 - (one.credit_discount ?? 0));

/** Seconds for which its deposit lasts, as it goes on now. */
export function depositSeconds(one: Instance): number | null {
  const hour = one.intended_status === 'running' ? one.dph_total : one.storage_total_cost;
  return one.credit_balance === null || hour <= 0 ? null : (one.credit_balance / hour) * 3600;
}

/** On its card: how much is left of it, and until when. */
export function DepositLine({ one }: { one: Instance }) {
  const seconds = depositSeconds(one);
  if (seconds === null) return null;
  return <span title={`By then it has used up what was paid ahead, ${one.intended_status === 'running' ? 'if it runs on' : 'if it stays stopped'}`}>
    {money(one.credit_balance ?? 0)} paid ahead, for {duration(seconds)} more</span>;
}

function Deposit({ one, told }: { one: Instance; told: InstanceDepositReply }) {
  const seconds = depositSeconds(one);
  return (
    <>
      <Facts rows={[['In its deposit', money(told.deposit)], ['Lasts for', seconds === null ? '–' : `${duration(seconds)} ${one.intended_status === 'running' ? 'if it runs on' : 'if it stays stopped'}`],
        ['It pays now', `${rate(one.dph_total)}, ${percent(told.discount_rate, 1)} less`], ['Saved so far', money(told.total_discount)], ['Comes back if you destroy it now', money(told.refundable_deposit)]]} />
      <p class="hint">More can be paid, so long as the discount does not fall.</p>
    </>
  );
}

function Pay({ one, told, onClose }: { one: Instance; told: InstanceDepositReply; onClose: () => void }) {
  /* Not what a deposit of today covers already. */
  const plans = told.plans.filter(({ amount }) => amount >= listHour(one));
  const [chosen, setChosen] = useState(plans.length > 0 ? String(plans[0]?.months) : OWN);
  const [own, setOwn] = useState('');
  const { busy, error, act } = useAct();
  const plan = plans.find(({ months }) => String(months) === chosen);
  const amount = plan ? plan.amount : Number(own);
  const pay = (): void => act(async () => {
    const done = await call('PUT /api/v0/instances/prepay/{id}/', { path: { id: one.id }, body: { amount } });
    toast(`${money(amount)} is paid ahead: ${number(done.timescale, 1)} months at ${percent(done.discount_rate, 1)} less.`);
    readSoon();
    void refreshUser();
    onClose();
  });
  return (
    <form class="stack" onSubmit={(event) => { event.preventDefault(); pay(); }}>
      <fieldset class="tiles"><legend class="sr">For how long</legend>
        {plans.map((each) => (
          <label key={each.months} class={String(each.months) === chosen ? 'tile-choice on' : 'tile-choice'}>
            <input class="sr" type="radio" name="months" checked={String(each.months) === chosen} onChange={() => setChosen(String(each.months))} aria-label={`${plural(each.months, 'month')} ahead`} />
            <b>{plural(each.months, 'month')}</b><span class="chip good">save {percent(each.discount_rate)}</span>
            <strong>{rate(listHour(one) * (1 - each.discount_rate))}</strong><span class="muted small">{money(each.amount)} now</span>
          </label>
        ))}
        <label class={chosen === OWN ? 'tile-choice on' : 'tile-choice'}>
          <input class="sr" type="radio" name="months" checked={chosen === OWN} onChange={() => setChosen(OWN)} aria-label="Another amount" />
          <b>Other</b><span class="muted small">an amount of your own</span>
        </label>
      </fieldset>
      {chosen === OWN && <Field label="How much" unit="$" type="number" min={0.01} step={0.01} required value={own} onInput={(event) => setOwn(event.currentTarget.value)}
        hint="The discount grows with the time that it covers, from nothing to that of the months above." />}
      <p class="hint">It is set aside from credit that you have bought, and pays the GPUs and the disk; traffic is paid as ever. Destroy the instance early, and the rest comes back less the discount
        that you had until then; if its host ends it, all of the rest does. Used up, it leaves an instance on demand at {rate(listHour(one))}.</p>
      {error && <Notice kind="bad" action={<a class="button" href="/billing">Billing</a>}>{error}</Notice>}
      <Button kind="primary" type="submit" busy={busy} disabled={!(amount > 0)}>Pay {money(amount || 0)} ahead</Button>
    </form>
  );
}

export function ReserveDialog({ one, onClose }: { one: Instance; onClose: () => void }) {
  const told = useLoad(() => call('GET /api/v0/instances/balance/{id}/', { path: { id: one.id } }));
  return (
    <Dialog title={`Pay ahead for instance ${one.id}`} onClose={onClose} wide>
      <Loaded from={told} rows={1} height={160}>
        {(found) => <>
          <p>On demand it costs {rate(listHour(one))}, {day(listHour(one))}. Paid ahead it costs less.</p>
          {isReserved(one) && <Deposit one={one} told={found} />}
          <Pay one={one} told={found} onClose={onClose} />
        </>}
      </Loaded>
    </Dialog>
  );
}

/** In the dialog before it is destroyed. */
export function Refund({ one }: { one: Instance }) {
  const told = useLoad(async () => (isReserved(one) ? call('GET /api/v0/instances/balance/{id}/', { path: { id: one.id } }) : null));
  if (!told.data) return null;
  return <p>Of {money(told.data.deposit)} that was paid ahead <strong>{money(told.data.refundable_deposit)} comes back</strong> to your credit: what is left of it, less the {money(told.data.total_discount)} that it has saved.</p>;
}
