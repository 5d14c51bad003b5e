// SPDX-License-Identifier: Apache-2.0
/** What happens to an instance by itself, once its renter has asked for it. */
import { useState } from 'preact/hooks';
import type { Instance } from '#api';
import { call } from '../lib/api';
import { day, duration, number } from '../lib/format';
import { Button, Card, Chip, Field, Notice, toast, useAct } from '../ui/parts';

/** In a few words, for the card. */
export function RuleChips({ one }: { one: Instance }) {
  return (
    <>
      {one.stop_when_idle_minutes ? <Chip>stops after {duration(one.stop_when_idle_minutes * 60)} idle</Chip> : null}
      {one.destroy_when_stopped_hours ? <Chip kind="warn">destroyed after {duration(one.destroy_when_stopped_hours * 3600)} stopped</Chip> : null}
      {one.limit_up_mbit ? <Chip>↑ at most {number(one.limit_up_mbit)} Mbit/s</Chip> : null}
      {one.limit_down_mbit ? <Chip>↓ at most {number(one.limit_down_mbit)} Mbit/s</Chip> : null}
      {one.stop_when_moved_gb ? <Chip>stops at {number(one.moved_gb ?? 0, 1)} of {number(one.stop_when_moved_gb)} GB moved</Chip> : null}
    </>
  );
}

const shown = (value: number | null | undefined): string => (value ? String(value) : '');

export function Rules({ one }: { one: Instance }) {
  const [idle, setIdle] = useState(shown(one.stop_when_idle_minutes));
  const [stopped, setStopped] = useState(shown(one.destroy_when_stopped_hours));
  const [moved, setMoved] = useState(shown(one.stop_when_moved_gb));
  const [up, setUp] = useState(shown(one.limit_up_mbit));
  const [down, setDown] = useState(shown(one.limit_down_mbit));
  const { busy, error, act } = useAct();
  const save = (): void => act(async () => {
    const body = { stop_when_idle_minutes: Number(idle) || 0, destroy_when_stopped_hours: Number(stopped) || 0, stop_when_moved_gb: Number(moved) || 0,
      limit_up_mbit: Number(up) || 0, limit_down_mbit: Number(down) || 0 };
    const { msg } = await call('PUT /api/v0/instances/{id}/rules/', { path: { id: one.id }, body });
    toast(msg);
  });
  const field = (label: string, unit: string, value: string, set: (text: string) => void, hint: string, none = 'never') => (
    <Field label={label} unit={unit} type="number" min={0} step={1} value={value} placeholder={none} hint={hint} onInput={(event) => set(event.currentTarget.value)} />
  );
  return (
    <Card title="What happens by itself">
      <form class="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
        {field('Stop when its GPUs do nothing for', 'min', idle, setIdle, `Stopped it costs ${day(one.storage_total_cost)} for the disk.`)}
        {field('Destroy when it was stopped for', 'h', stopped, setStopped, 'Its files are deleted then, for good.')}
        {field('Stop when it has moved', 'GB', moved, setMoved, 'Sent and received, counted from when this is set.')}
        <div class="two">
          {field('Send at most', 'Mbit/s', up, setUp, 'What its host allows is the limit besides.', 'as its host allows')}
          {field('Receive at most', 'Mbit/s', down, setDown, 'Programs slow down; nothing is stopped.', 'as its host allows')}
        </div>
        {error && <Notice kind="bad">{error}</Notice>}
        <div><Button kind="primary" type="submit" busy={busy}>Keep these rules</Button></div>
      </form>
    </Card>
  );
}
