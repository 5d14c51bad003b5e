// SPDX-License-Identifier: Apache-2.0
/** What may be fraud: machines that do not prove what they say they have, and money that is set aside. */
import { useState } from 'preact/hooks';
import type { OperatorProof } from '#api';
import { call } from '../../lib/api';
import { dayOf, money, moment, number } from '../../lib/format';
import { Button, Card, Chip, Loaded, Notice, Table, useAct, useLoad } from '../../ui/parts';

const ODD: Record<string, string> = { too_fast: 'faster than any such GPU', other_model: 'as another model would', shared: 'far less together than alone', elsewhere: 'its memory is elsewhere', slow_disk: 'its disk is slower than it says', slow_network: 'its network is slower than it says' };

const wordOf = (one: OperatorProof): [string, 'bad' | 'warn'] =>
  one.state === 'bad' ? ['wrong', 'bad'] : one.state === 'unanswered' ? ['no answer', 'warn'] : [one.odd.map((odd) => ODD[odd] ?? odd).join(', ') || one.state, 'warn'];

export function Fraud() {
  const told = useLoad(() => call('GET /api/v0/operator/fraud/'));
  const [older, setOlder] = useState<OperatorProof[]>([]);
  const [next, setNext] = useState<number | null | undefined>(undefined);
  const { busy, error, act } = useAct();
  const before = next === undefined ? told.data?.next ?? null : next;
  const more = (): void => act(async () => {
    const page = await call('GET /api/v0/operator/fraud/', { query: { before } });
    setOlder([...older, ...page.proofs]);
    setNext(page.next);
  });
  return (
    <Loaded from={told} rows={3} height={60}>
      {({ proofs, holds }) => (
        <div class="stack">
          <Card title="Proofs to look at" actions={<a class="button" href="/operator?tab=machines">Machines</a>}>
            {proofs.length === 0 ? <p class="muted">None: each machine has shown what it says it has.</p> : (
              <Table label="Proofs to look at" kind="dense" head={['Proof', 'Machine', 'GPU', 'Of', 'What came of it', 'Asked', 'Ended']}>
                {[...proofs, ...older].map((one) => {
                  const [word, kind] = wordOf(one);
                  return (
                    <tr key={one.id}><th scope="row">{one.id}</th><td>m:{one.machine_id}</td><td>{one.model ?? '–'}<div class="muted small">{one.gpu}</div></td><td>{one.kind}</td>
                      <td><Chip kind={kind}>{word}</Chip>{one.late > 0 && <div class="muted small">{number(one.late)} answers late</div>}</td><td>{moment(one.asked_at)}</td><td>{moment(one.ended_at)}</td></tr>
                  );
                })}
              </Table>
            )}
            {before !== null && <Button busy={busy} onClick={more}>Show more</Button>}
            {error && <Notice kind="bad">{error}</Notice>}
          </Card>
          <Card title="Money that is set aside">
            {holds.length === 0 ? <p class="muted">None. <code>berthd admin hold</code> sets some aside, and ends it.</p> : (
              <Table label="Holds" head={['Hold', 'Account', 'What', 'Why', 'Since', 'Until', 'Dollars']}>
                {holds.map((one) => (
                  <tr key={one.id}><th scope="row">{one.id}</th><td><a href={`/operator?tab=users&find=${one.user_id}`}>{one.user_id}</a></td><td>{one.kind}</td><td class="wrap">{one.note}</td><td>{dayOf(one.created_at)}</td>
                    <td>{one.expires_at === null ? 'somebody ends it' : moment(one.expires_at)}</td><td class="num">{money(one.amount)}</td></tr>
                ))}
              </Table>
            )}
          </Card>
        </div>
      )}
    </Loaded>
  );
}
