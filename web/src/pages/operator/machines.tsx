// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import type { OperatorMachine } from '#api';
import { call } from '../../lib/api';
import { dayOf } from '../../lib/format';
import { Button, Chip, Dialog, Loaded, Notice, Table, toast, useAct } from '../../ui/parts';
import { usePages } from './pages';

type Wanted = 'verified' | 'deverified';

function Verify({ one, wanted, onClose, onDone }: { one: OperatorMachine; wanted: Wanted; onClose: () => void; onDone: () => void }) {
  const { busy, error, act } = useAct();
  const set = (): void => act(async () => {
    const { msg } = await call('PUT /api/v0/operator/verification/', { body: { machine_id: one.id, verification: wanted } });
    toast(`Machine ${one.id}: ${msg}`);
    onDone();
    onClose();
  });
  return (
    <Dialog title={wanted === 'verified' ? `Verify machine ${one.id}?` : `Deverify machine ${one.id}?`} onClose={onClose}>
      <p>{wanted === 'verified' ? 'Renters who want verified machines alone see it from then on.' : 'It takes no new rentals. Those that it has go on as they are. This is in the audit log, under your name.'}</p>
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="row"><Button kind={wanted === 'verified' ? 'primary' : 'danger'} busy={busy} onClick={set}>{wanted === 'verified' ? 'Verify it' : 'Deverify it'}</Button><Button onClick={onClose}>Leave it as it is</Button></div>
    </Dialog>
  );
}

export function Machines() {
  const [asked, setAsked] = useState<{ one: OperatorMachine; wanted: Wanted } | null>(null);
  const pages = usePages(async (after) => {
    const reply = await call('GET /api/v0/operator/machines/', { query: { after } });
    return { rows: reply.machines, next: reply.next };
  });
  return (
    <div class="stack">
      {pages.error && <Notice kind="bad">{pages.error}</Notice>}
      <Loaded from={pages.first} rows={3} height={44}>
        {() => (
          <Table head={['Machine', 'Host', 'Since', 'State', '']} label="Machines of all hosts">
            {pages.rows.map((one) => (
              <tr key={one.id}>
                <th scope="row">m:{one.id}</th><td>{one.host_id}</td><td>{dayOf(one.created_at)}</td>
                <td><span class="row chips"><Chip kind={one.verification === 'verified' ? 'good' : 'warn'}>{one.verification}</Chip>
                  <Chip kind={one.is_online ? 'good' : 'bad'}>{one.is_online ? 'online' : 'offline'}</Chip>{one.is_listed && <Chip>listed</Chip>}
                  {one.is_quarantined && <Chip kind="bad" title="Its hardware is not what it was">quarantined</Chip>}{one.is_simulated && <Chip kind="warn">simulated</Chip>}</span></td>
                <td>{one.verification === 'verified' && !one.is_quarantined ? <Button onClick={() => setAsked({ one, wanted: 'deverified' })} aria-label={`Deverify machine ${one.id}`}>Deverify</Button>
                  : <Button kind="primary" onClick={() => setAsked({ one, wanted: 'verified' })} aria-label={`Verify machine ${one.id}`}>Verify</Button>}</td>
              </tr>
            ))}
          </Table>
        )}
      </Loaded>
      {pages.hasMore && <Button onClick={pages.more}>Show more</Button>}
      {asked && <Verify {...asked} onClose={() => setAsked(null)} onDone={pages.first.reload} />}
    </div>
  );
}
