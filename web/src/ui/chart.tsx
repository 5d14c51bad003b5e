// SPDX-License-Identifier: Apache-2.0
/** Charts as drawings that grow with their place: stacked bars, and lines. What they show is beside them
 * as a table too, for who cannot see them or wants the numbers. */
import { Table } from './parts';

export interface Point {
  at: string; // on the axis
  values: (number | null)[]; // one a series; null: not known
}

interface Props {
  label: string;
  series: string[];
  points: Point[];
  format: (value: number) => string;
  top?: number; // where the axis ends; what is nice above the values, if not given
}

const HEIGHT = 100; // of the drawing's own units
const TICKS = 4;

/** The next number of 1, 2, 2.5 or 5 times a power of ten: where an axis may end. */
export function niceAbove(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return (([1, 2, 2.5, 5].find((step) => step * power >= value)) ?? 10) * power;
}

const sum = (values: (number | null)[]): number => values.reduce<number>((total, value) => total + (value ?? 0), 0);

function Frame({ label, series, points, format, top, children }: Omit<Props, 'top'> & { top: number; children: preact.ComponentChildren }) {
  const first = points[0]?.at;
  const last = points.at(-1)?.at;
  return (
    <figure class="chart">
      {series.length > 1 && <ul class="legend" aria-hidden="true">{series.map((name, i) => <li key={name}><i class={`s${i}`} />{name}</li>)}</ul>}
      <div class="plot" role="img" aria-label={`${label}, ${first} to ${last}`}>
        <ol class="axis" aria-hidden="true">{Array.from({ length: TICKS + 1 }, (_, i) => <li key={i}>{format(top * (1 - i / TICKS))}</li>)}</ol>
        <svg viewBox={`0 0 ${points.length} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          {Array.from({ length: TICKS + 1 }, (_, i) => <line key={i} class="rule" x1="0" x2={points.length} y1={i * HEIGHT / TICKS} y2={i * HEIGHT / TICKS} />)}
          {children}
        </svg>
      </div>
      <div class="ends" aria-hidden="true"><span>{first}</span><span>{points.length > 1 ? last : ''}</span></div>
      <details>
        <summary>As a table</summary>
        <Table kind="columns" head={['', ...series]} label={label}>
          {points.map((point) => (
            <tr key={point.at}><th scope="row">{point.at}</th>
              {point.values.map((value, i) => <td class="num" key={series[i]}>{value === null ? '–' : format(value)}</td>)}</tr>
          ))}
        </Table>
      </details>
    </figure>
  );
}

export function Bars(props: Props) {
  const { points, series, format } = props;
  const top = niceAbove(Math.max(...points.map(({ values }) => sum(values)), 0));
  return (
    <Frame {...props} top={top}>
      {points.map(({ at, values }, x) => {
        let base = HEIGHT;
        return (
          <g key={at}>
            <title>{`${at}: ${values.map((value, i) => `${series[i]} ${format(value ?? 0)}`).join(', ')}`}</title>
            {values.map((value, i) => {
              const height = ((value ?? 0) / top) * HEIGHT;
              base -= height;
              return <rect key={series[i]} class={`s${i}`} x={x + 0.12} width={0.76} y={base} height={height} />;
            })}
          </g>
        );
      })}
    </Frame>
  );
}

export function Lines(props: Props) {
  const { points, series } = props;
  const top = props.top ?? niceAbove(Math.max(...points.flatMap(({ values }) => values.map((value) => value ?? 0)), 0));
  return (
    <Frame {...props} top={top}>
      {series.map((name, i) => (
        <polyline key={name} class={`s${i}`} points={points.flatMap(({ values }, x) => {
          const value = values[i] ?? null;
          const y = HEIGHT * (1 - (value ?? 0) / top);
          const isAlone = (points[x - 1]?.values[i] ?? null) === null && (points[x + 1]?.values[i] ?? null) === null;
          return value === null ? [] : isAlone ? [`${x + 0.1},${y} ${x + 0.9},${y}`] : [`${x + 0.5},${y}`];
        }).join(' ')} />
      ))}
    </Frame>
  );
}
