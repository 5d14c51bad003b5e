// SPDX-License-Identifier: Apache-2.0
/** What is said to a dispute: what the books hold, put together by the market, and the operator's words before it. */
import { useState } from 'preact/hooks';
import type { OperatorAnswer, OperatorDispute } from '#api';
import { call } from '../../lib/api';
import { moment } from '../../lib/format';
import { Area, Button, Chip, Dialog, Facts, Loaded, Notice, toast, useAct, useLoad } from '../../ui/parts';

type Evidence = NonNullable<OperatorAnswer['evidence']>;

const STATES: Record<Evidence['state'], [string, 'plain' | 'warn' | 'good' | 'bad']> = {
  draft: ['not submitted', 'warn'], sent: ['on its way', 'plain'], taken: ['the bank has it', 'good'], refused: ['refused: not submitted', 'bad'] };
const NOTE_MAX = 5000;

/** Its words may be changed until it is submitted; what stands below them is then put together anew. */
function Answer({ one, said, onDone }: { one: OperatorDispute; said: Evidence; onDone: () => void }) {
  const [note, setNote] = useState(said.note);
  const { busy, error, act } = useAct();
  const [word, kind] = STATES[said.state];
  const isOpen = said.state === 'draft' || said.state === 'refused';
  const keep = (): void => act(async () => {
    await call('PUT /api/v0/operator/evidence/', { body: { dispute_id: one.id, note } });
    onDone();
  });
  const submit = (): void => act(async () => {
    toast((await call('POST /api/v0/operator/evidence/', { body: { dispute_id: one.id } })).msg);
    onDone();
  });
  return (
    <div class="stack">
      <p class="row"><Chip kind={kind}>{word}</Chip>{said.reason && <span>{said.reason}</span>}<span class="muted">Put together {moment(said.made_at)}{said.sent_at !== null && `, submitted ${moment(said.sent_at)}`}.</span></p>
      {isOpen && <Area label="What you know of it" value={note} rows={4} onInput={(text) => setNote(text.slice(0, NOTE_MAX))} hint="It comes first in what the bank reads." />}
      <Facts rows={[['Account', said.email], ['Name', said.name || '–'], ['Bills go to', said.billing_address || '–'], ['Ordered from', said.ordered_from || '–'], ['Used from', said.served_from || '–'], ['What was bought', <span class="whole">{said.product}</span>]]} />
      <h3>The payment, and what was rented with it</h3>
      <pre class="log wrapped" tabIndex={0} aria-label="The payment, and what was rented with it">{said.record || 'Nothing.'}</pre>
      <h3>What was called on the account</h3>
      <pre class="log wrapped" tabIndex={0} aria-label="What was called on the account">{said.activity || 'Nothing.'}</pre>
      {error && <Notice kind="bad">{error}</Notice>}
      {isOpen && <div class="row"><Button busy={busy} disabled={note === said.note} onClick={keep}>Keep your words</Button>
        <Button kind="primary" busy={busy} disabled={note !== said.note} onClick={submit}>Submit it, once</Button></div>}
    </div>
  );
}

export function EvidenceDialog({ one, onClose }: { one: OperatorDispute; onClose: () => void }) {
  const told = useLoad(() => call('GET /api/v0/operator/evidence/', { query: { dispute: one.id } }), [one.id]);
  return (
    <Dialog title={`What is said to dispute ${one.id}`} onClose={onClose} wide>
      {one.is_asked && one.due_at !== null && <Notice kind="warn">The bank takes it until {moment(one.due_at)}.</Notice>}
      <Loaded from={told} rows={2}>
        {({ evidence }) => (evidence ? <Answer one={one} said={evidence} onDone={told.reload} /> : <p>The provider has not asked for anything, so there is nothing to say.</p>)}
      </Loaded>
    </Dialog>
  );
}
