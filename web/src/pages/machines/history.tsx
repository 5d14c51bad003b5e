// SPDX-License-Identifier: Apache-2.0
/** What happened to a machine, and the reliability that it comes to: by the market's own published formula. */
import type { Machine, MachineEvent } from '#api';
import { call } from '../../lib/api';
import { DAY_S, dayText } from '../../lib/days';
import { duration, moment, number, percent } from '../../lib/format';
import { Card, Chip, Empty, Facts, Loaded, Table, useLoad } from '../../ui/parts';

const DAYS = 30;
const KINDS: Record<MachineEvent['kind'], string> = { joined: 'It joined', outage: 'Out of contact', failed_start: 'An instance did not start' };
const CAUSES: Record<MachineEvent['cause'], string> = {
  contact_lost: 'contact lost', announced: 'announced ahead', market: 'many hosts at once: none of its own doing', left: 'its host took it off, and its hardware came back',
};

/** Seconds of an outage within a day. */
const within = (one: MachineEvent, day: number, now: number): number =>
  Math.max(0, Math.min(one.end ?? now, (day + 1) * DAY_S) - Math.max(one.start, day * DAY_S));

/** A bar a day: how much of it the machine was there. */
function Uptime({ events, now }: { events: MachineEvent[]; now: number }) {
  const today = Math.floor(now / DAY_S);
  const outages = events.filter((one) => one.kind === 'outage');
  const joined = Math.min(...events.filter((one) => one.kind === 'joined').map((one) => one.start), now);
  const days = Array.from({ length: DAYS }, (_, i) => today - DAYS + 1 + i);
  const gone = (day: number): number => outages.reduce((total, one) => total + within(one, day, now), 0);
  const known = days.filter((day) => (day + 1) * DAY_S > joined);
  const seconds = known.reduce((total, day) => total + Math.min(now, (day + 1) * DAY_S) - Math.max(joined, day * DAY_S), 0);
  const up = seconds > 0 ? 1 - known.reduce((total, day) => total + gone(day), 0) / seconds : 1;
  return (
    <figure class="uptime">
      <div role="img" aria-label={`Uptime in ${plural(known.length)}: ${percent(up, 2)}`}>
        {days.map((day) => {
          const isKnown = known.includes(day);
          const part = gone(day) / DAY_S;
          return <i key={day} class={!isKnown ? 'unknown' : part === 0 ? 'up' : part < 0.05 ? 'some' : 'down'} title={`${dayText(day)}: ${isKnown ? (part === 0 ? 'up all day' : `away for ${duration(part * DAY_S)}`) : 'not yet here'}`} />;
        })}
      </div>
      <figcaption class="muted small">{dayText(days[0] ?? today)} to today: there for {percent(up, 2)} of its time.</figcaption>
    </figure>
  );
}

const plural = (count: number): string => `${count} ${count === 1 ? 'day' : 'days'}`;

export function History({ one }: { one: Machine }) {
  const told = useLoad(() => call('GET /api/v0/machines/{id}/history/', { path: { id: one.id } }));
  return (
    <Loaded from={told} rows={2}>
      {(past) => (
        <div class="stack">
          <Card title="Uptime"><Uptime events={past.events} now={past.now} /></Card>
          <Card title="Reliability">
            <div class="stack">
              <Facts rows={[['Lasts a day', percent(past.reliability, 2)], ['Lasts a week', percent(past.chance_7d, 2)], ['Lasts 30 days', percent(past.chance_30d, 2)], ['Interruptions seen', number(past.interruptions, 2)],
                ['Time seen', `${number(past.up_hours, 1)} h`], ['Between interruptions', `${number(past.mtbf_hours, 1)} h`], ['One lasts', `${number(past.mttr_hours, 2)} h`], ['There', percent(past.availability, 2)]]} />
              <p class="hint">(up ÷ (up + T))<sup>interruptions</sup> is the chance of T hours without one; what was seen {number(past.half_life_days)} days ago weighs half. From the events below anybody comes to the same number.</p>
            </div>
          </Card>
          {past.events.length === 0 ? <Empty icon="check" title="Nothing has happened to it" /> : (
            <Table label="What happened" head={['When', 'What', 'For', 'Because', 'Counts as', '']}>
              {past.events.map((event) => (
                <tr key={`${event.start} ${event.kind}`}>
                  <th scope="row">{moment(event.start)}</th><td>{KINDS[event.kind]}</td>
                  <td>{event.kind === 'outage' ? (event.end === null ? 'until now' : duration(event.end - event.start)) : ''}</td>
                  <td>{event.kind === 'outage' ? CAUSES[event.cause] : ''}</td><td>{event.kind === 'joined' ? '' : number(event.severity, 2)}</td>
                  <td>{event.had_rental && <Chip kind="warn">while rented</Chip>}</td>
                </tr>
              ))}
            </Table>
          )}
        </div>
      )}
    </Loaded>
  );
}
