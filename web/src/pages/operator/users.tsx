// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import type { OperatorUser } from '#api';
import { call } from '../../lib/api';
import { dayOf, money } from '../../lib/format';
import { setQuery, usePlace } from '../../lib/router';
import { Button, Chip, Dialog, Field, Loaded, Notice, Segments, Table, toast, useAct } from '../../ui/parts';
import { usePages } from './pages';

function Credit({ one, onClose, onDone }: { one: OperatorUser; onClose: () => void; onDone: () => void }) {
  const [kind, setKind] = useState<'grant' | 'deposit'>('grant');
  const [amount, setAmount] = useState('');
  const [ticket, setTicket] = useState('');
  const { busy, error, act } = useAct();
  const give = (): void => act(async () => {
    const { msg } = await call('POST /api/v0/operator/credit/', { body: { user_id: one.id, amount, kind, ticket } });
    toast(msg);
    onDone();
    onClose();
  });
  return (
    <Dialog title={`Credit for ${one.email}`} onClose={onClose}>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); give(); }}>
        <p>They have {money(one.credit, 4)} now.</p>
        <Segments label="What it is" value={kind} options={[['grant', 'Given by the market'], ['deposit', 'Money that reached the bank']]} onChange={(value) => setKind(value as 'grant' | 'deposit')} />
        <Field label="How much" unit="$" inputMode="decimal" value={amount} required onInput={(event) => setAmount(event.currentTarget.value)} />
        <Field label={kind === 'grant' ? 'Reason' : 'What the bank calls it'} value={ticket} required maxLength={128}
          hint="Kept in the books. The same words again add nothing, so it is safe to repeat." onInput={(event) => setTicket(event.currentTarget.value)} />
        {error && <Notice kind="bad">{error}</Notice>}
        <Button kind="primary" type="submit" busy={busy}>{kind === 'grant' ? 'Give it' : 'Enter it'}</Button>
      </form>
    </Dialog>
  );
}

/** A team's account has an address that no mail reaches. */
const isTeam = (one: OperatorUser): boolean => one.email.endsWith('@team.invalid');

export function Users() {
  const text = usePlace().query.get('find') ?? '';
  const [chosen, setChosen] = useState<OperatorUser | null>(null);
  const pages = usePages(async (after) => {
    const reply = await call('GET /api/v0/operator/users/', { query: { after } });
    return { rows: reply.users, next: reply.next };
  });
  const found = pages.rows.filter((one) => `${one.id} ${one.email} ${one.username ?? ''}`.toLowerCase().includes(text.toLowerCase()));
  return (
    <div class="stack">
      <div class="field"><label class="sr" for="find">Find a user</label>
        <input id="find" type="search" data-find placeholder="Find by email, name or number, among those that are shown" value={text} onInput={(event) => setQuery({ find: event.currentTarget.value })} /></div>
      {pages.error && <Notice kind="bad">{pages.error}</Notice>}
      <Loaded from={pages.first} rows={3} height={44}>
        {() => (
          <Table head={['Account', 'Since', 'Is', 'Credit', 'Expected or held', 'Earned', '']} label="Users">
            {found.map((one) => (
              <tr key={one.id}>
                <th scope="row">{one.id} {isTeam(one) ? one.username : one.email}<div class="muted small">{isTeam(one) ? 'a team' : one.username}</div></th>
                <td>{dayOf(one.created_at)}</td>
                <td><span class="row chips">{one.is_admin && <Chip kind="warn">operator</Chip>}{one.is_host && <Chip>host</Chip>}{one.deleted_at !== null && <Chip title={`on ${dayOf(one.deleted_at)}`}>deleted</Chip>}</span></td>
                <td>{money(one.credit, 2)}</td>
                <td>{money(one.pending_credit)} · {money(one.held_credit)}</td>
                <td>{money(one.balance)}{one.held_earnings > 0 && <span class="muted"> ({money(one.held_earnings)} held)</span>}</td>
                <td>{one.deleted_at === null && <Button aria-label={`Credit for ${one.email}`} onClick={() => setChosen(one)}>Credit</Button>}</td>
              </tr>
            ))}
          </Table>
        )}
      </Loaded>
      {pages.hasMore && <Button onClick={pages.more}>Show more</Button>}
      {chosen && <Credit one={chosen} onClose={() => setChosen(null)} onDone={pages.first.reload} />}
    </div>
  );
}
