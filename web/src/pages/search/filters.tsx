// SPDX-License-Identifier: Apache-2.0
import type { Template } from '#api';
import { useEffect, useRef, useState } from 'preact/hooks';
import { avoid, avoided } from '../../lib/avoid';
import { copyText } from '../../lib/clipboard';
import { number } from '../../lib/format';
import { ANY, boundOf, boundSaid, DISK_DEFAULT_GB, diskOf, FILTERS, TOGGLES, volumeOf, type Filter } from '../../lib/query';
import { go, setQuery } from '../../lib/router';
import { useStore } from '../../lib/store';
import { young } from '../../lib/young';
import { Button, Check, Field, Select, toast } from '../../ui/parts';
import { TemplateCard } from './template';

const TYPING_MS = 60; // less than somebody who types a number takes from digit to digit
const VOLUME_DEFAULT_GB = 15;

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

function Slider({ id, label, shown, min, max, step = 1, value, onInput }: {
  id: string; label: string; shown: string; min: number; max: number; step?: number; value: number; onInput: (text: string) => void;
}) {
  return (
    <div class="field">
      <label for={id}>{label} <output>{shown}</output></label>
      <input id={id} type="range" min={min} max={max} step={step} value={Math.min(max, Math.max(min, value))} aria-valuetext={shown} onInput={(event) => onInput(event.currentTarget.value)} />
    </div>
  );
}

function NumberFilter({ filter, query }: { filter: Filter; query: URLSearchParams }) {
  const { key, label, unit, min, max, step } = filter;
  const isYoung = useStore(young) === true;
  const [text, type] = useTyped(boundOf(query, key, isYoung), (value) => setQuery({ [key]: boundSaid(key, value) }));
  if (min !== undefined)
    return <Slider id={`filter-${key}`} label={label} shown={text === '' ? ANY : `${number(Number(text), 1)} ${unit}`} min={min} max={max} step={step} value={Number(text)}
      onInput={(value) => type(Number(value) <= min ? '' : value)} />;
  return <Field label={label} unit={unit} type="number" min={0} max={max} step={step} value={text}
    placeholder={filter.operator === 'lte' ? 'any' : 'at least'} onInput={(event) => type(event.currentTarget.value)} />;
}

/** The disk, a volume beside it, and both together. */
function Space({ query }: { query: URLSearchParams }) {
  const [disk, typeDisk] = useTyped(String(diskOf(query)), (value) => setQuery({ disk: value === String(DISK_DEFAULT_GB) ? null : value }));
  const [volume, typeVolume] = useTyped(String(volumeOf(query)), (value) => setQuery({ vol: value }));
  const hasVolume = volumeOf(query) > 0;
  return (
    <div class="stack tight">
      <Slider id="disk" label="Disk" shown={`${disk} GB`} min={2} max={1000} value={Number(disk)} onInput={typeDisk} />
      <p class="hint">Kept, and paid for, until the instance is destroyed. It can grow later, and never shrinks.</p>
      <Select label="Volume beside it" value={hasVolume ? 'new' : ''} options={[['', 'None'], ['new', 'A new one, which outlives it']]}
        onChange={(value) => setQuery({ vol: value ? String(VOLUME_DEFAULT_GB) : null })} />
      {hasVolume && <>
        <Slider id="vol" label="Volume" shown={`${volume} GB`} min={1} max={1000} value={Number(volume)} onInput={typeVolume} />
        <p class="row spread small"><span>Total</span><b>{number(Number(disk) + Number(volume))} GB</b></p>
      </>}
    </div>
  );
}

const PLAN: [string, string, string][] = [['hours', 'It runs for', 'hours'], ['in', 'It receives', 'GB'], ['out', 'It sends', 'GB']];

/** How long, and how much traffic: then each offer shows what all of that costs. */
function PlanField({ name, label, unit, query }: { name: string; label: string; unit: string; query: URLSearchParams }) {
  const [text, type] = useTyped(query.get(name) ?? '', (value) => setQuery({ [name]: value }));
  return <Field label={label} unit={unit} type="number" min={0} step="any" value={text} onInput={(event) => type(event.currentTarget.value)} />;
}

/** What the work computes with: scores, and so the order by value, are for that. */
const PRECISIONS: [string, string][] = [['', 'Training, in general'], ['fp16', 'Work in 16 bits (fp16)'], ['fp32', 'Work in 32 bits (fp32)']];

const GROUPS: [Filter['group'], string][] = [['price', 'Price and time'], ['gpu', 'GPU'], ['host', 'Machine'], ['net', 'Network']];
const MINE = 'berth-search';

/** The head of the filters: what is set can be sent to somebody, kept for the next visit, or forgotten. */
function Head() {
  const copy = (): void => void copyText(location.href).then((isDone) => toast(isDone ? 'The link to this search is copied.' : location.href));
  const keep = (): void => { localStorage.setItem(MINE, location.search); toast('Kept in this browser as your search.'); };
  const kept = localStorage.getItem(MINE);
  return (
    <div class="row filter-head">
      <h2 class="grow">Filter options</h2>
      {kept && <a class="small" href={`/${kept}`}>Mine</a>}
      <span class="row tools">
        <Button kind="quiet" icon="link" aria-label="Copy the link to this search" title="Copy the link" onClick={copy} />
        <Button kind="quiet" icon="reboot" aria-label="Reset" title="Reset all filters" onClick={() => go('/')} />
        <Button kind="quiet" icon="down" aria-label="Save as mine" title="Save as mine" onClick={keep} />
      </span>
    </div>
  );
}

/** Machines that are left out, each until it is pressed. */
function Avoided() {
  const list = useStore(avoided);
  if (list.length === 0) return null;
  return (
    <div class="stack tight"><p class="small muted">Left out, as you have chosen:</p>
      <p class="row chips">{list.map((machine) => <button key={machine} type="button" class="chip" aria-label={`Find machine ${machine} again`} title="Find it again" onClick={() => avoid(machine, false)}>m:{machine} ×</button>)}</p></div>
  );
}

export function Filters({ query, template }: { query: URLSearchParams; template: Partial<Template> | null }) {
  const set = (key: string, on: boolean): void => setQuery({ [key]: on ? '1' : null });
  const check = (key: string, label: string, hint?: string) => <Check label={label} checked={query.get(key) === '1'} onChange={(on) => set(key, on)} hint={hint} />;
  return (
    <form class="filters" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      <TemplateCard found={template} />
      <Space query={query} />
      <Head />
      <div>{TOGGLES.map(({ key, label }) => <Check key={key} label={label} checked={query.get(key) === '1'} onChange={(on) => set(key, on)} />)}
        {check('unverified', 'Unverified machines', "They have not passed the market's tests yet.")}
        {check('unavailable', 'Include Unavailable Offers', 'Also what is rented now, with its rate and its end.')}
        {check('incompatible', 'Incompatible machines', 'Also those that the template does not fit on.')}</div>
      <Avoided />
      {GROUPS.map(([group, title]) => (
        <details key={group} open={group === 'price' || FILTERS.some((one) => one.group === group && query.has(one.key)) || (group === 'gpu' && query.has('precision'))}>
          <summary>{title}</summary>
          {group === 'gpu' && <Select label="DLPerf and value for" value={query.get('precision') ?? ''} options={PRECISIONS} onChange={(precision) => setQuery({ precision })} />}
          {FILTERS.filter((one) => one.group === group).map((filter) => <NumberFilter key={filter.key} filter={filter} query={query} />)}
        </details>
      ))}
      <details open={query.has('hours')}><summary>What it will do</summary>{PLAN.map(([name, label, unit]) => <PlanField key={name} name={name} label={label} unit={unit} query={query} />)}
        <p class="hint">Then each offer shows what that costs in all.</p></details>
    </form>
  );
}
