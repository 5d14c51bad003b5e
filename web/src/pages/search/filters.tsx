// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from 'preact/hooks';
import type { GpuMetrics } from '#api';
import { call } from '../../lib/api';
import { money } from '../../lib/format';
import { DISK_DEFAULT_GB, diskOf, FILTERS, TOGGLES, type Filter } from '../../lib/query';
import { go, setQuery } from '../../lib/router';
import { session } from '../../lib/session';
import { useStore } from '../../lib/store';
import { Button, Check, Chip, Field, toast, useLoad } from '../../ui/parts';

const TYPING_MS = 60; // less than somebody who types a number takes from digit to digit

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
  const [text, type] = useTyped(query.get(filter.key) ?? '', (value) => setQuery({ [filter.key]: value }));
  return <Field label={filter.label} unit={filter.unit} type="number" min={0} max={filter.max} step={filter.step} value={text}
    placeholder={filter.operator === 'lte' ? 'any' : 'at least'} onInput={(event) => type(event.currentTarget.value)} />;
}

function Disk({ query }: { query: URLSearchParams }) {
  const [text, type] = useTyped(String(diskOf(query)), (value) => setQuery({ disk: value === String(DISK_DEFAULT_GB) ? null : value }));
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

/** What is going to run: the template that was chosen, or that one is chosen when renting. */
function TemplateCard({ query }: { query: URLSearchParams }) {
  const { state } = useStore(session);
  const hash = query.get('template') ?? '';
  const list = useLoad(async () => (state === 'in' && hash ? (await call('GET /api/v0/template/')).templates : []), [state, hash]);
  const found = list.data?.find((one) => one.hash_id === hash);
  return (
    <section class="template-card">
      <h2>{found?.name ?? 'Any image'}</h2>
      <p class="muted small">{found ? <code>{found.image}</code> : 'Chosen when you rent.'}</p>
      {found && <p class="row chips"><Chip>{found.runtype === 'jupyter' ? 'Jupyter + SSH' : found.runtype === 'args' ? 'Command' : 'SSH'}</Chip>{found.recommended && <Chip kind="good">recommended</Chip>}</p>}
      <a class="button" href="/templates">Change Template</a>
    </section>
  );
}

const MINE = 'berth-search';

/** The head of the filters: what is set can be sent to somebody, kept for the next visit, or forgotten. */
function Head() {
  const copy = (): void => void navigator.clipboard.writeText(location.href).then(() => toast('The link to this search is copied.'), () => toast(location.href));
  const keep = (): void => { localStorage.setItem(MINE, location.search); toast('Kept in this browser as your search.'); };
  const kept = localStorage.getItem(MINE);
  return (
    <div class="row filter-head">
      <h2 class="grow">Filter options</h2>
      <Button kind="quiet" icon="link" aria-label="Copy the link to this search" onClick={copy} />
      <Button kind="quiet" icon="down" aria-label="Save as mine" title="Save as mine" onClick={keep} />
      {kept && <a class="small" href={`/${kept}`}>Mine</a>}
    </div>
  );
}

export function Filters({ query }: { query: URLSearchParams }) {
  const [country, typeCountry] = useTyped(query.get('country') ?? '', (value) => setQuery({ country: value }));
  const set = (key: string, on: boolean): void => setQuery({ [key]: on ? '1' : null });
  return (
    <form class="filters" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      <TemplateCard query={query} />
      <Disk query={query} />
      <Head />
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
    setQuery({ gpu: (on ? [...chosen, name] : chosen.filter((one) => one !== name)).join(',') });

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
        {chosen.length > 0 && <Button kind="quiet" onClick={() => setQuery({ gpu: null })}>Any model</Button>}
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
