// SPDX-License-Identifier: Apache-2.0
/** Adding credit: by card on the provider's own page where the market takes cards, and by hand where it does not. */
import { useState } from 'preact/hooks';
import type { Deposit } from '#api';
import { call } from '../../lib/api';
import { money } from '../../lib/format';
import { useRules } from '../../lib/rules';
import { session } from '../../lib/session';
import { useStore } from '../../lib/store';
import { Button, Copy, Dialog, Field, Loaded, Notice, Segments, useAct, useLoad } from '../../ui/parts';

const AMOUNTS: [string, string][] = [['5', '$5'], ['25', '$25'], ['50', '$50'], ['100', '$100'], ['', 'Other']];
const PAGE_WAIT_MS = 500;
const PAGE_TRIES = 40;

/** The provider's page may take a moment to be there. */
async function payPage(amount: string): Promise<string> {
  let { deposit } = await call('POST /api/v0/billing/deposits/', { body: { amount } });
  for (let i = 0; i < PAGE_TRIES && deposit.url === null && deposit.state === 'open'; i++) {
    await new Promise((resolve) => setTimeout(resolve, PAGE_WAIT_MS));
    ({ deposit } = await call('GET /api/v0/billing/deposits/{id}/', { path: { id: deposit.id } }));
  }
  if (deposit.url === null) throw new Error(deposit.reason ?? 'The provider does not answer now. Try again; nothing was charged.');
  return deposit.url;
}

function ByCard({ open, asked }: { open: Deposit[]; asked: string }) {
  const rules = useRules();
  const [tile, setTile] = useState(asked ? '' : '25');
  const [other, setOther] = useState(asked);
  const { busy, error, act } = useAct();
  const amount = tile || other;
  return (
    <form class="stack" onSubmit={(event) => { event.preventDefault(); act(async () => location.assign(await payPage(amount))); }}>
      <Segments label="How much" value={tile} options={AMOUNTS.filter(([dollars]) => !rules || dollars === '' || (Number(dollars) >= rules.deposit_min && Number(dollars) <= rules.deposit_max))} onChange={setTile} />
      {tile === '' && <Field label="Dollars" unit="$" value={other} required inputMode="decimal" hint={rules ? `From ${money(rules.deposit_min)} to ${money(rules.deposit_max)}, in whole cents.` : undefined} onInput={(event) => setOther(event.currentTarget.value)} />}
      <p class="hint">You pay on the provider's page. Your card's number never reaches this server.</p>
      {open.length > 0 && <p class="hint">{open.map((one) => money(one.amount)).join(', ')} {open.length === 1 ? 'is' : 'are'} not paid yet.</p>}
      {error && <Notice kind="bad">{error}</Notice>}
      <Button kind="primary" type="submit" busy={busy} disabled={!(Number(amount) > 0)}>Pay {Number(amount) > 0 ? money(Number(amount), 2) : ''}</Button>
    </form>
  );
}

/** Whoever runs the market takes the money and enters it under a reference. */
function ByHand({ onClose }: { onClose: () => void }) {
  const { user } = useStore(session);
  return (
    <>
      <p>This market takes payments by hand. Pay its operator as you have agreed with them, and name this account, so that they know whose credit it is:</p>
      <Copy text={`${user?.sid ?? ''} ${user?.email ?? ''}`.trim()} label="Reference of the payment" />
      <ol class="prose">
        <li>Send the money with that reference.</li>
        <li>The operator enters what has arrived. What is on its way already shows as expected, and cannot be spent yet.</li>
        <li>Your credit rises here by itself; then start what was stopped for lack of it.</li>
      </ol>
      <p class="hint">Credit is in US dollars, counted to a billionth. It pays for what you use, by the second.</p>
      <Button kind="primary" onClick={onClose}>Close</Button>
    </>
  );
}

export function AddCredit({ amount = '', onClose }: { amount?: string; onClose: () => void }) {
  const told = useLoad(() => call('GET /api/v0/billing/deposits/'));
  return (
    <Dialog title="Add credit" onClose={onClose}>
      <Loaded from={told} rows={1} height={160}>
        {({ payments, deposits }) => payments ? <ByCard asked={/^\d+(\.\d\d?)?$/.test(amount) ? amount : ''} open={deposits.filter((one) => one.state === 'open' || one.state === 'on_its_way')} /> : <ByHand onClose={onClose} />}
      </Loaded>
    </Dialog>
  );
}
