// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import type { OperatorMachine } from '#api';
import { call } from '../../lib/api';
import { dayOf, moment } from '../../lib/format';
import { Button, Chip, Dialog, Field, Loaded, Notice, Table, toast, useAct } from '../../ui/parts';
import { usePages } from './pages';

type Wanted = 'verified' | 'deverified' | 'automatic';

const WORDS: Record<Wanted, [title: string, text: string, yes: string]> = {
  verified: ['Verify', 'Renters who want verified machines alone see it from then on. This is in the audit log, under your name.', 'Verify it'],
  deverified: ['Deverify', 'It takes no new rentals. Those that it has go on as they are. This is in the audit log, under your name.', 'Deverify it'],
  automatic: ['Let the lines decide on', 'Your word on it is taken back: whether it is verified follows from what is asked of it, line by line, from the next look on.', 'Let them decide'],
};

function Verify({ one, wanted, onClose, onDone }: { one: OperatorMachine; wanted: Wanted; onClose: () => void; onDone: () => void }) {
  const { busy, error, act } = useAct();
  const [title, text, yes] = WORDS[wanted];
  const set = (): void => act(async () => {
    const { msg } = await call('PUT /api/v0/operator/verification/', { body: { machine_id: one.id, verification: wanted } });
    toast(`Machine ${one.id}: ${msg}`);
    onDone();
    onClose();
  });
  return (
    <Dialog title={`${title} machine ${one.id}?`} onClose={onClose}>
      <p>{text}</p>
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="row"><Button kind={wanted === 'deverified' ? 'danger' : 'primary'} busy={busy} onClick={set}>{yes}</Button><Button onClick={onClose}>Leave it as it is</Button></div>
    </Dialog>
  );
}

/** Somebody else has what it signs with. */
function Revoke({ one, onClose, onDone }: { one: OperatorMachine; onClose: () => void; onDone: () => void }) {
  const { busy, error, act } = useAct();
  const revoke = (): void => act(async () => {
    toast((await call('POST /api/v0/operator/revoke_key/', { body: { machine_id: one.id } })).msg);
    onDone();
    onClose();
  });
  return (
    <Dialog title={`Revoke the key of machine ${one.id}?`} onClose={onClose}>
      <p>Its session ends at once, and no key that it has is good any more. It counts as away: its offers are hidden and nobody pays for its GPUs; what runs on it runs on, and nothing is deleted.</p>
      <p>Its host brings it back, as what it was, by a token for it. They are told by mail, and how.</p>
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="row"><Button kind="danger" busy={busy} onClick={revoke}>Revoke it</Button><Button onClick={onClose}>Leave it as it is</Button></div>
    </Dialog>
  );
}

/** Where it is: nobody else says so, and searches, the map and prices by country go by it. */
function Place({ one, onClose, onDone }: { one: OperatorMachine; onClose: () => void; onDone: () => void }) {
  const [text, setText] = useState(one.geolocation ?? '');
  const { busy, error, act } = useAct();
  const save = (): void => act(async () => {
    toast((await call('PUT /api/v0/operator/place/', { body: { machine_id: one.id, geolocation: text.trim() } })).msg);
    onDone();
    onClose();
  });
  return (
    <Dialog title={`Where is machine ${one.id}?`} onClose={onClose}>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
        <Field label="Place" value={text} maxLength={128} placeholder="Gothenburg, SE" hint="It ends in the two letters of its country. Empty: not known." onInput={(event) => setText(event.currentTarget.value)} />
        {error && <Notice kind="bad">{error}</Notice>}
        <Button kind="primary" type="submit" busy={busy}>Keep the place</Button>
      </form>
    </Dialog>
  );
}

export function Machines() {
  const [placed, setPlaced] = useState<OperatorMachine | null>(null);
  const [asked, setAsked] = useState<{ one: OperatorMachine; wanted: Wanted } | null>(null);
  const [revoked, setRevoked] = useState<OperatorMachine | null>(null);
  const pages = usePages(async (after) => {
    const reply = await call('GET /api/v0/operator/machines/', { query: { after } });
    return { rows: reply.machines, next: reply.next };
  });
  return (
    <div class="stack">
      {pages.error && <Notice kind="bad">{pages.error}</Notice>}
      <Loaded from={pages.first} rows={3} height={44}>
        {() => (
          <Table head={['Machine', 'Host', 'Since', 'Place', 'State', '']} label="Machines of all hosts">
            {pages.rows.map((one) => (
              <tr key={one.id}>
                <th scope="row">m:{one.id}</th><td>{one.host_id}</td><td>{dayOf(one.created_at)}</td>
                <td><button class="open" aria-label={`Place of machine ${one.id}`} onClick={() => setPlaced(one)}>{one.geolocation ?? 'Say where'}</button></td>
                <td><span class="row chips"><Chip kind={one.verification === 'verified' ? 'good' : 'warn'}>{one.verification}</Chip>
                  <Chip kind={one.is_online ? 'good' : 'bad'}>{one.is_online ? 'online' : 'offline'}</Chip>{one.is_listed && <Chip>listed</Chip>}
                  {one.is_quarantined && <Chip kind="bad" title="Its hardware is not what it was">quarantined</Chip>}
                  {one.key_revoked_at !== null && <Chip kind="bad" title={`Since ${moment(one.key_revoked_at)}`}>key revoked</Chip>}{one.is_simulated && <Chip kind="warn">simulated</Chip>}</span></td>
                <td><span class="row">
                  {one.verification === 'verified' && !one.is_quarantined ? <Button onClick={() => setAsked({ one, wanted: 'deverified' })} aria-label={`Deverify machine ${one.id}`}>Deverify</Button>
                    : <Button kind="primary" onClick={() => setAsked({ one, wanted: 'verified' })} aria-label={`Verify machine ${one.id}`}>Verify</Button>}
                  <Button kind="quiet" onClick={() => setAsked({ one, wanted: 'automatic' })} aria-label={`Automatic verification of machine ${one.id}`}>Automatic</Button>
                  {one.key_revoked_at === null && <Button kind="quiet" onClick={() => setRevoked(one)} aria-label={`Revoke the key of machine ${one.id}`}>Revoke key</Button>}
                </span></td>
              </tr>
            ))}
          </Table>
        )}
      </Loaded>
      {pages.hasMore && <Button onClick={pages.more}>Show more</Button>}
      {placed && <Place one={placed} onClose={() => setPlaced(null)} onDone={pages.first.reload} />}
      {revoked && <Revoke one={revoked} onClose={() => setRevoked(null)} onDone={pages.first.reload} />}
      {asked && <Verify {...asked} onClose={() => setAsked(null)} onDone={pages.first.reload} />}
    </div>
  );
}
