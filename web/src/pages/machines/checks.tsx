// SPDX-License-Identifier: Apache-2.0
/** What is asked of a machine to be verified: each line with what it is now, what is needed, and how to mend it. */
import type { MachineCheck, MachineChecksReply } from '#api';
import { call } from '../../lib/api';
import { duration, moment } from '../../lib/format';
import { useEvery } from '../../ui/every';
import { Icon } from '../../ui/icons';
import { Loaded, Notice } from '../../ui/parts';

const STATES: Record<MachineCheck['state'], string> = { good: ': met', bad: ': not met', unknown: ': not measured yet', 'not needed': ': not needed' };
const COSTS: Record<MachineCheck['costs'], string> = {
  join: 'Without it the machine is not taken.', badge: 'Without it the machine is not verified.', stay: 'Without it the machine is off the market until an hour after.',
};

function Line({ one }: { one: MachineCheck }) {
  const isDone = one.state === 'good' || one.state === 'not needed';
  return (
    <li class={isDone ? 'done' : one.state === 'unknown' ? 'unknown' : undefined}>
      <Icon name={isDone ? 'check' : one.state === 'unknown' ? 'help' : 'alert'} />
      <div>
        <b>{one.title}</b><span class="sr">{STATES[one.state]}</span> <span>{one.measured}</span>
        <p class="hint">Asked for: {one.needed}.{!isDone && ` ${COSTS[one.costs]}`}{one.mend && ` ${one.mend}`}{one.next_at !== null && !isDone && ` Looked at next ${moment(one.next_at)}.`}</p>
      </div>
    </li>
  );
}

function Verdict({ told }: { told: MachineChecksReply }) {
  const next = told.next_at === null ? '' : ` The lines decide next in ${duration(Math.max(0, told.next_at - told.now))}.`;
  if (told.is_set) return <Notice>An operator has said that it is {told.verification}; the lines decide nothing until that is taken back.</Notice>;
  if (told.verification === 'verified') return <Notice kind="good">It is verified.{next}</Notice>;
  return (
    <Notice kind="warn">It is {told.verification}.{told.failed.length > 0 && ` ${told.failed.length} of ${told.checks.length} lines are not met.`}
      {told.back_at !== null && ` It is back on the market ${moment(told.back_at)}, if nothing else goes wrong.`}{next}</Notice>
  );
}

export function Checks({ id }: { id: number }) {
  const told = useEvery(() => call('GET /api/v0/machines/{id}/checks/', { path: { id } }), [id]);
  return (
    <Loaded from={told} rows={4} height={44}>
      {(reply) => (
        <>
          <Verdict told={reply} />
          <ol class="steps" aria-label={`What is asked of machine ${id}`}>{reply.checks.map((one) => <Line key={one.name} one={one} />)}</ol>
        </>
      )}
    </Loaded>
  );
}
