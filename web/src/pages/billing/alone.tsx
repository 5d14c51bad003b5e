// SPDX-License-Identifier: Apache-2.0
/** What billing does while nobody looks: a mail when credit runs low, and a saved card that is charged. */
import { useState } from 'preact/hooks';
import { call } from '../../lib/api';
import { moment } from '../../lib/format';
import { useRules } from '../../lib/rules';
import { refreshUser, session } from '../../lib/session';
import { useStore } from '../../lib/store';
import { useEvery } from '../../ui/every';
import { Button, Card, Check, Field, Loaded, Notice, Table, toast, useAct } from '../../ui/parts';

export function LowCredit() {
  const { user } = useStore(session);
  const [isOn, setOn] = useState(user?.balance_threshold_enabled ?? false);
  const [below, setBelow] = useState(String(user?.balance_threshold ?? 0));
  const { busy, error, act } = useAct();
  const save = (): void => act(async () => {
    await call('PUT /api/v0/users/', { body: { balance_threshold: Number(below), balance_threshold_enabled: isOn } });
    await refreshUser();
    toast('Saved.');
  });
  return (
    <Card title="When credit runs low">
      <form class="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
        <Check label="Warn me by mail at an amount of my own" checked={isOn} onChange={setOn} hint="Beside the warnings some hours before it ends." />
        {isOn && <Field label="When it comes down to" unit="$" type="number" min={0} step="any" required value={below} onInput={(event) => setBelow(event.currentTarget.value)} />}
        {error && <Notice kind="bad">{error}</Notice>}
        <div><Button type="submit" busy={busy}>Save</Button></div>
      </form>
    </Card>
  );
}

function Autopay({ threshold, amount, declined, next_try: next }: { threshold: number; amount: number; declined: number; next_try: number | null }) {
  const rules = useRules();
  const [below, setBelow] = useState(String(threshold));
  const [by, setBy] = useState(amount > 0 ? String(amount) : '');
  const { busy, error, act } = useAct();
  const save = (dollars: number): void => act(async () => {
    await call('PUT /api/v0/billing/autopay/', { body: { threshold: Number(below) || 0, amount: dollars } });
    toast(dollars > 0 ? 'A saved card is charged when credit runs low.' : 'No card is charged by itself any more, but for debts.');
  });
  return (
    <form class="stack" onSubmit={(event) => { event.preventDefault(); save(Number(by)); }}>
      <h3>Charge a card by itself</h3>
      {declined > 0 && <Notice kind="warn">It was declined {declined} times in a row. {next === null ? 'It is not tried again before you add another card, or change this.' : `The next try is ${moment(next)}.`}</Notice>}
      <div class="two">
        <Field label="When credit is below" unit="$" type="number" min={0} step="0.01" value={below} required onInput={(event) => setBelow(event.currentTarget.value)} />
        <Field label="Add" unit="$" type="number" min={rules?.deposit_min ?? 0} max={rules?.deposit_max} step="0.01" value={by} required placeholder="off" onInput={(event) => setBy(event.currentTarget.value)} />
      </div>
      <p class="hint">Debts are collected whether or not this is on.</p>
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="row"><Button type="submit" busy={busy}>Charge it by itself</Button>{amount > 0 && <Button busy={busy} onClick={() => save(0)}>Turn it off</Button>}</div>
    </form>
  );
}

/** Where the market takes cards: those that are saved, and when one is charged. */
export function SavedCards() {
  const told = useEvery(async () => ({
    isOn: (await call('GET /api/v0/billing/deposits/')).payments, cards: (await call('GET /api/v0/billing/cards/')).cards, autopay: await call('GET /api/v0/billing/autopay/') }));
  const { busy, error, act } = useAct();
  const leave = (): void => act(async () => {
    const { url } = await call('POST /api/v0/billing/cards/', { body: {} });
    if (url === null) throw new Error('The provider does not answer yet. Press again in a moment.');
    location.assign(url);
  });
  const remove = (id: number): void => act(async () => {
    await call('DELETE /api/v0/billing/cards/{id}/', { path: { id } });
    told.reload();
  });
  return (
    <Loaded from={told} rows={1} height={60}>
      {({ isOn, cards, autopay }) => !isOn ? null : (
        <Card title="Cards" actions={<Button icon="card" busy={busy} onClick={leave}>Add a card</Button>}>
          <div class="stack">
            {cards.length === 0 ? <p class="muted">None is saved. Only the provider ever sees its number.</p> : (
              <Table head={['Card', 'Until', '']} label="Cards">
                {cards.map((card) => (
                  <tr key={card.id}><th scope="row">{card.brand} ···· {card.last4}</th><td>{card.exp_month}/{card.exp_year}</td>
                    <td><Button kind="quiet" icon="trash" busy={busy} aria-label={`Remove the card ${card.last4}`} onClick={() => remove(card.id)}>Remove</Button></td></tr>
                ))}
              </Table>
            )}
            {error && <Notice kind="bad">{error}</Notice>}
            {cards.length > 0 && <Autopay {...autopay} />}
          </div>
        </Card>
      )}
    </Loaded>
  );
}
