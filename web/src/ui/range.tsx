// SPDX-License-Identifier: Apache-2.0
/** From one day to another, kept in the address as `from` and `to`. */
import { dayParse, dayText, today } from '../lib/days';
import { setQuery } from '../lib/router';
import { Field } from './parts';

export interface Range { from: number; until: number } // days, both included

export const rangeOf = (query: URLSearchParams, days = 30): Range => ({
  from: dayParse(query.get('from')) ?? today() - days + 1,
  until: dayParse(query.get('until')) ?? today(),
});

export function RangeFields({ range }: { range: Range }) {
  return (
    <>
      <Field label="From" type="date" value={dayText(range.from)} max={dayText(range.until)} onChange={(event) => setQuery({ from: event.currentTarget.value })} />
      <Field label="To" type="date" value={dayText(range.until)} min={dayText(range.from)} max={dayText(today())}
        onChange={(event) => setQuery({ until: event.currentTarget.value })} />
    </>
  );
}
