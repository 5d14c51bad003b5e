// SPDX-License-Identifier: Apache-2.0
/** Deleting the account: what is lost, what stands against it now, and the dialog that does it. */
import { useState } from 'preact/hooks';
import type { DeletionReason } from '#api';
import { call } from '../../lib/api';
import { money } from '../../lib/format';
import { go } from '../../lib/router';
import { deleteAccount, session } from '../../lib/session';
import { useStore } from '../../lib/store';
import { Icon } from '../../ui/icons';
import { Button, Card, Check, Dialog, Field, Loaded, Notice, toast, useAct, useLoad } from '../../ui/parts';

const names: Record<string, [string, string]> = {
  operator: ['The account is an operator’s', ''], instances: ['instance', 'instances'], volumes: ['volume', 'volumes'], machines: ['machine', 'machines'],
  debt: ['owed', ''], host_debt: ['owed as a host', ''], frozen: ['frozen by a dispute', ''], held: ['amount set aside', 'amounts set aside'],
  accrued: ['earned and not invoiced', ''], deposits: ['payment under way', 'payments under way'], refunds: ['refund under way', 'refunds under way'],
  disputes: ['open dispute', 'open disputes'], payouts: ['payout under way', 'payouts under way'], parked: ['stretch of usage to be decided', 'stretches of usage to be decided'],
  teams: ['team of yours', 'teams of yours'], subaccounts: ['subaccount', 'subaccounts'], credit: ['of bought credit', ''], earnings: ['of earnings', ''],
};

const nameOf = ({ reason, count, amount }: DeletionReason): string => {
  const [one, many] = names[reason] ?? [reason, reason];
  if (amount !== null) return `${money(amount, amount < 0.01 ? 9 : 2)} ${one}`;
  return many === '' ? one : `${count ?? 0} ${count === 1 ? one : many}`;
};

function Sure({ givenUp, onClose, onRefused }: { givenUp: number; onClose: () => void; onRefused: () => void }) {
  const { user } = useStore(session);
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [gives, setGives] = useState(false);
  const { busy, error, act } = useAct();
  const remove = (): void => act(async () => {
    try {
      const said = await deleteAccount({ confirm_email: email, password, ...(givenUp > 0 ? { give_up: givenUp } : {}) });
      go('/');
      toast(said);
    } catch (failure) {
      onRefused();
      throw failure;
    }
  });
  const isReady = email.trim().toLowerCase() === user?.email && (givenUp === 0 || gives);
  return (
    <Dialog title="Delete your account?" onClose={onClose}>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); if (isReady) remove(); }}>
        <p>This cannot be undone. Sessions and API keys end now, here and everywhere; SSH keys, secrets, webhooks, cloud connections, saved cards, templates and orders go with them.</p>
        {givenUp > 0 && <Check label={`I give up ${money(givenUp, givenUp < 0.01 ? 9 : 2)}: nobody gets it back`} checked={gives} onChange={setGives} />}
        <Field label={`Type ${user?.email ?? ''} to confirm`} value={email} required autocomplete="off" onInput={(event) => setEmail(event.currentTarget.value)} />
        <Field label="Password" type="password" value={password} required autocomplete="current-password" onInput={(event) => setPassword(event.currentTarget.value)} />
        {error && <Notice kind="bad">{error}</Notice>}
        <div class="row"><Button kind="danger" type="submit" busy={busy} disabled={!isReady}>Delete it for good</Button><Button onClick={onClose}>Keep it</Button></div>
      </form>
    </Dialog>
  );
}

export function DeleteAccount() {
  const deletion = useLoad(() => call('GET /api/v0/users/deletion/'));
  const [isSure, setSure] = useState(false);
  return (
    <Card title="Delete account">
      <Loaded from={deletion} rows={1}>
        {({ can_delete: may, given_up: givenUp, reasons }) => (
          <div class="stack">
            <p class="muted">Your keys, sessions, secrets, cards and everything that says whose the account was are deleted. The books, bills, contracts and the audit log stay, as the law wants, under a number. Your email may sign up again.</p>
            {reasons.length > 0 && (
              <ul class="steps" aria-label="What stands against it">
                {reasons.map((one) => (
                  <li key={one.reason}><Icon name="alert" /><span><a href={one.page}>{nameOf(one)}</a>: {one.what_to_do}.</span></li>
                ))}
              </ul>
            )}
            {reasons.length === 0 && <p>Nothing stands against it.</p>}
            <div class="row"><Button kind="danger" icon="trash" disabled={!may} onClick={() => setSure(true)}>Delete account</Button>
              {reasons.length > 0 && <Button onClick={deletion.reload}>Look again</Button>}</div>
            {isSure && <Sure givenUp={givenUp} onClose={() => setSure(false)} onRefused={deletion.reload} />}
          </div>
        )}
      </Loaded>
    </Card>
  );
}
