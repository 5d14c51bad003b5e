// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from 'preact/hooks';
import type { GpuMetrics } from '#api';
import { money } from '../../lib/format';
import { DISK_DEFAULT_GB, diskOf, FILTERS, TOGGLES, type Filter } from '../../lib/query';
import { go, setQuery } from '../../lib/router';
import { Button, Check, Field } from '../../ui/parts';

const TYPING_MS = 250;

/** What is typed becomes part of the address once the typing pauses. */
export function useTyped(value: string, change: (text: string) => void): [string, (text: string) => void] {
  const [text, setText] = useState(value);
  const timer = useRef(0);
  useEffect(() => { if (!timer.current) setText(value); }, [value]);
  const type = (next: string): void => {
    setText(next);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => { timer.current = 0; change(next); }, TYPING_MS);
  };
  return [text, type];
}

function NumberFilter({ filter, query }: { filter: Filter; query: URLSearchParams }) {
  const [text, type] = useTyped(query.get(filter.key) ?? '', (value) => setQuery({ [filter.key]: value, pages: null }));
  return <Field label={filter.label} unit={filter.unit} type="number" min={0} max={filter.max} step={filter.step} value={text}
    placeholder={filter.operator === 'lte' ? 'any' : 'at least'} onInput={(event) => type(event.currentTarget.value)} />;
}

function Disk({ query }: { query: URLSearchParams }) {
  const [text, type] = useTyped(String(diskOf(query)), (value) => setQuery({ disk: value === String(DISK_DEFAULT_GB) ? null : value, pages: null }));
  const id = 'disk';
  return (
    <div class="field">
      <label for={id}>Disk <output>{text} GB</output></label>
      <input id={id} type="range" min={2} max={1000} step={1} value={Math.min(1000, Number(text))}
        onInput={(event) => type(event.currentTarget.value)} />
      <p class="hint">Kept, and paid for, until the instance is destroyed. It cannot grow later.</p>
    </div>
  );
}

const GROUPS: [Filter['group'], string][] = [['price', 'Price and time'], ['gpu', 'GPU'], ['host', 'Machine'], ['net', 'Network']];

export function Filters({ query }: { query: URLSearchParams }) {
  const [country, typeCountry] = useTyped(query.get('country') ?? '', (value) => setQuery({ country: value, pages: null }));
  const set = (key: string, on: boolean): void => setQuery({ [key]: on ? '1' : null, pages: null });
  return (
    <form class="filters" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      <Disk query={query} />
      {GROUPS.map(([group, title]) => (
        <details key={group} open={group === 'price' || FILTERS.some((one) => one.group === group && query.has(one.key))}>
          <summary>{title}</summary>
          {FILTERS.filter((one) => one.group === group).map((filter) => <NumberFilter key={filter.key} filter={filter} query={query} />)}
          {group === 'net' && <Field label="Countries" placeholder="SE, IS, DE" value={country} onInput={(event) => typeCountry(event.currentTarget.value)} />}
        </details>
      ))}
      <div>
        {TOGGLES.map(({ key, label }) => <Check key={key} label={label} checked={query.get(key) === '1'} onChange={(on) => set(key, on)} />)}
        <Check label="Unverified machines" checked={query.get('unverified') === '1'} onChange={(on) => set('unverified', on)}
          hint="They have not passed the market's tests yet." />
        <Check label="Include Unavailable Offers" checked={query.get('unavailable') === '1'} onChange={(on) => set('unavailable', on)}
          hint="Also what is rented now, with its rate and its end." />
      </div>
      <Button onClick={() => go('/')}>Reset</Button>
    </form>
  );
}

/** Models by name, with what is free of them: as many as are wanted. */
export function Models({ query, gpus }: { query: URLSearchParams; gpus: GpuMetrics[] }) {
  const [text, setText] = useState('');
  const ref = useRef<HTMLDetailsElement>(null);
  const chosen = query.get('gpu')?.split(',').filter(Boolean) ?? [];
  const named = gpus.filter(({ gpu_name: name }) => name.toLowerCase().includes(text.toLowerCase()));
  const choose = (name: string, on: boolean): void =>
    setQuery({ gpu: (on ? [...chosen, name] : chosen.filter((one) => one !== name)).join(','), pages: null });

  useEffect(() => {
    const close = (event: Event): void => {
      const isWithin = ref.current?.contains(event.target as Node);
      if (ref.current && (!isWithin || (event instanceof KeyboardEvent && event.key === 'Escape'))) ref.current.open = false;
    };
    addEventListener('pointerdown', close);
    addEventListener('keydown', close);
    return () => { removeEventListener('pointerdown', close); removeEventListener('keydown', close); };
  }, []);
  return (
    <details class="models" ref={ref}>
      <summary class="button">{chosen.length === 0 ? 'Any GPU model' : chosen.length === 1 ? chosen[0] : `${chosen.length} models`}</summary>
      <div class="popover">
        <input type="search" aria-label="Find a GPU model" placeholder="Find a model" value={text} data-find
          onInput={(event) => setText(event.currentTarget.value)} />
        {chosen.length > 0 && <Button kind="quiet" onClick={() => setQuery({ gpu: null, pages: null })}>Any model</Button>}
        <div class="choices">
          {named.map((gpu) => (
            <label class="check" key={gpu.gpu_name}>
              <input type="checkbox" checked={chosen.includes(gpu.gpu_name)} onChange={(event) => choose(gpu.gpu_name, event.currentTarget.checked)} />
              <span class="grow">{gpu.gpu_name}</span>
              <span class="muted small">{gpu.available} free{gpu.price_median !== null && ` · ${money(gpu.price_median)}`}</span>
            </label>
          ))}
          {named.length === 0 && <p class="muted">No model of that name is in the market now.</p>}
        </div>
      </div>
    </details>
  );
}
