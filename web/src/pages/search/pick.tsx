// SPDX-License-Identifier: Apache-2.0
/** Trees to choose from: GPU models by maker, family and series, and countries by continent. As many as are wanted. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { GpuMetrics, MarketPlace } from '#api';
import { call } from '../../lib/api';
import { money } from '../../lib/format';
import { setQuery } from '../../lib/router';
import { countryName } from '../../lib/world';
import { Button, useLoad } from '../../ui/parts';

interface Leaf { key: string; name: string; note: string; path: string[] }

/** NVIDIA, RTX, 40-series: where a model stands in the tree. */
export function familyOf(name: string): string[] {
  if (/^(MI\d|Radeon|RX |Instinct)/.test(name)) return ['AMD', /^(MI|Instinct)/.test(name) ? 'Instinct' : 'Radeon'];
  const consumer = /^(RTX|GTX) (\d\d?)\d0/.exec(name);
  if (consumer && !/^RTX \d000/.test(name)) return ['NVIDIA', consumer[1] as string, `${consumer[2]}-series`];
  if (/^(RTX|Quadro)/.test(name)) return ['NVIDIA', 'RTX', 'professional'];
  return ['NVIDIA', 'Data centre'];
}

/** Closes with a press elsewhere, and with Escape, after which one is where one was before. */
function useClosing(): preact.RefObject<HTMLDetailsElement> {
  const ref = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (event: Event): void => {
      if (!ref.current?.open) return;
      const isWithin = ref.current.contains(event.target as Node);
      const isEscape = event instanceof KeyboardEvent && event.key === 'Escape';
      if (isWithin && !isEscape) return;
      ref.current.open = false;
      if (isWithin) ref.current.querySelector('summary')?.focus();
    };
    addEventListener('pointerdown', close);
    addEventListener('keydown', close);
    return () => { removeEventListener('pointerdown', close); removeEventListener('keydown', close); };
  }, []);
  return ref;
}

type Choose = (keys: string[], on: boolean) => void;

/** A branch, whose box is on when all below it are, and half on for some. */
function Branch({ depth, leaves, chosen, choose }: { depth: number; leaves: Leaf[]; chosen: Set<string>; choose: Choose }) {
  const names = [...new Set(leaves.flatMap(({ path }) => path[depth] ?? []))];
  return (
    <>
      {names.map((name) => {
        const below = leaves.filter(({ path }) => path[depth] === name);
        const on = below.filter(({ key }) => chosen.has(key)).length;
        return (
          <div class="branch" role="group" aria-label={name} key={name}>
            <label class="check">
              <input type="checkbox" aria-label={`All of ${name}`} checked={on === below.length} ref={(box) => { if (box) box.indeterminate = on > 0 && on < below.length; }}
                onChange={(event) => choose(below.map(({ key }) => key), event.currentTarget.checked)} />
              <b>{name}</b>
            </label>
            <Branch depth={depth + 1} leaves={below} chosen={chosen} choose={choose} />
          </div>
        );
      })}
      {leaves.filter(({ path }) => path.length === depth).map(({ key, name, note }) => (
        <label class="check" key={key}>
          <input type="checkbox" checked={chosen.has(key)} onChange={(event) => choose([key], event.currentTarget.checked)} />
          <span class="grow">{name}</span><span class="muted small">{note}</span>
        </label>
      ))}
    </>
  );
}

function Tree({ param, query, any, many, find, leaves }: {
  param: string; query: URLSearchParams; any: string; many: string; find: string; leaves: Leaf[];
}) {
  const [text, setText] = useState('');
  const ref = useClosing();
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLInputElement>(null);
  /* One types at once; where a keyboard would come up on the screen for that, one presses first. */
  useEffect(() => { if (isOpen && matchMedia('(pointer: fine)').matches) box.current?.focus(); }, [isOpen]);
  const chosen = query.get(param)?.split(',').filter(Boolean) ?? [];
  const named = leaves.filter(({ name, path }) => `${path.join(' ')} ${name}`.toLowerCase().includes(text.toLowerCase()));
  const choose: Choose = (keys, on) => setQuery({ [param]: (on ? [...new Set([...chosen, ...keys])] : chosen.filter((one) => !keys.includes(one))).join(',') });
  const label = chosen.length === 0 ? any : chosen.length === 1 ? (leaves.find(({ key }) => key === chosen[0])?.name ?? chosen[0]) : `${chosen.length} ${many}`;
  return (
    <details class="models" ref={ref} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary class="button" data-find={param === 'gpu' || undefined}>{label}</summary>
      {isOpen && <div class="popover">
        <input type="search" ref={box} aria-label={find} placeholder={find} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        {chosen.length > 0 && <Button kind="quiet" onClick={() => setQuery({ [param]: null })}>{any}</Button>}
        <div class="choices">
          <Branch depth={0} leaves={named} chosen={new Set(chosen)} choose={choose} />
          {named.length === 0 && <p class="muted">Nothing of that name is in the market now.</p>}
        </div>
      </div>}
    </details>
  );
}

/** Models by name, with what is free of them. */
export function Models({ query, gpus }: { query: URLSearchParams; gpus: GpuMetrics[] }) {
  const leaves = gpus.map((gpu): Leaf => ({ key: gpu.gpu_name, name: gpu.gpu_name, path: familyOf(gpu.gpu_name),
    note: `${gpu.available} free${gpu.price_median === null ? '' : ` · ${money(gpu.price_median)}`}` }));
  return <Tree param="gpu" query={query} any="Any GPU model" many="models" find="Find a GPU model" leaves={leaves} />;
}

/** The whole planet, its continents, and their countries that have GPUs. */
export function Places({ query }: { query: URLSearchParams }) {
  const told = useLoad(() => call('GET /api/v0/metrics/places/'));
  const isKnown = (one: MarketPlace): one is MarketPlace & { country_code: string } => one.country_code !== null;
  const leaves = (told.data?.places ?? []).filter(isKnown).map((one): Leaf => ({ key: one.country_code, name: countryName(one.country_code), path: [one.continent ?? 'Elsewhere'],
    note: `${one.available} free${one.price_median === null ? '' : ` · ${money(one.price_median)}`}` }));
  return <Tree param="country" query={query} any="Planet Earth" many="countries" find="Find a country" leaves={leaves} />;
}
