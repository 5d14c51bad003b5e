// SPDX-License-Identifier: Apache-2.0
/** What an instance does, as it does it: drawn from when this page was opened. */
import { useEffect } from 'preact/hooks';
import type { Instance } from '#api';
import { duration, number, percent } from '../../lib/format';
import { readSoon, samples, type Sample } from '../../lib/live';
import { Lines } from '../../ui/chart';
import { Card } from '../../ui/parts';

const EVERY_MS = 5000;
const POINTS_MAX = 120;

/** Every so many, so that no more are drawn than can be told apart. */
const thin = (list: Sample[]): Sample[] => list.filter((_, i) => (list.length - 1 - i) % Math.ceil(list.length / POINTS_MAX) === 0);

const clock = (seconds: number): string => new Date(seconds * 1000).toLocaleTimeString('en-GB');

/** Without events nothing is read: while somebody looks, it is. */
function useReading(): void {
  useEffect(() => {
    readSoon();
    const timer = setInterval(() => { if (document.visibilityState === 'visible') readSoon(); }, EVERY_MS);
    return () => clearInterval(timer);
  }, []);
}

export function Charts({ one }: { one: Instance }) {
  useReading();
  const list = samples.get(one.id) ?? [];
  const points = thin(list);
  const first = list[0];
  return (
    <div class="cards wide">
      <Card title="GPU, CPU, memory and disk" actions={first && <span class="muted small">{duration(Date.now() / 1000 - first.at)}</span>}>
        <Lines label="Use" series={['GPU', 'CPU', 'RAM', 'Disk']} format={(value) => percent(value)} top={1}
          points={points.map(({ at, gpu, cpu, memory, disk }) => ({ at: clock(at), values: [gpu, cpu, memory, disk] }))} />
      </Card>
      <Card title="Temperature of the GPUs">
        {list.every(({ degrees }) => degrees === null) ? <p class="muted">Its host tells none.</p>
          : <Lines label="Temperature" series={['°C']} format={(value) => number(value)} points={points.map(({ at, degrees }) => ({ at: clock(at), values: [degrees] }))} />}
      </Card>
    </div>
  );
}

/** The GPUs' use, small, on a card. */
export function Sparkline({ one }: { one: Instance }) {
  const list = thin(samples.get(one.id) ?? []).filter(({ gpu }) => gpu !== null);
  if (list.length < 2) return null;
  const at = list.map(({ gpu }, i) => `${(i / (list.length - 1)) * 100},${20 - (gpu ?? 0) * 19}`).join(' ');
  return <svg class="spark" viewBox="0 0 100 20" preserveAspectRatio="none" role="img" aria-label={`The GPUs' use in the last ${duration(Date.now() / 1000 - (list[0]?.at ?? 0))}`}><polyline points={at} /></svg>;
}
