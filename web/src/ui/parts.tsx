// SPDX-License-Identifier: Apache-2.0
/** What pages are made of. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { sentence } from '../lib/api';
import { copyText } from '../lib/clipboard';
import { store, useStore } from '../lib/store';
import { Icon, type IconName } from './icons';

type Children = { children?: ComponentChildren };

type ButtonProps = Omit<JSX.HTMLAttributes<HTMLButtonElement>, 'icon'> & {
  kind?: 'primary' | 'plain' | 'danger' | 'quiet';
  busy?: boolean;
  icon?: IconName;
  disabled?: boolean;
  type?: 'button' | 'submit';
};

export function Button({ kind = 'plain', busy = false, icon, children, disabled, type = 'button', ...rest }: ButtonProps) {
  return (
    <button {...rest} type={type} class={`button ${kind}`} disabled={disabled || busy} aria-busy={busy || undefined}>
      {icon && <Icon name={icon} />}
      {children && <span>{children}</span>}
    </button>
  );
}

type FieldProps = Omit<JSX.HTMLAttributes<HTMLInputElement>, 'label'> & {
  label: string;
  hint?: ComponentChildren;
  unit?: string;
  value?: string | number;
  type?: string;
  name?: string;
  required?: boolean;
  min?: number | string;
  max?: number | string;
  step?: number | string;
  autocomplete?: string;
  inputMode?: string;
  placeholder?: string;
  minLength?: number;
  maxLength?: number;
  autoFocus?: boolean;
  disabled?: boolean;
};

export function Field({ label, hint, unit, ...input }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="input">
        <input id={id} {...(input as JSX.HTMLAttributes<HTMLInputElement>)} aria-describedby={hint ? `${id}-hint` : undefined} />
        {unit && <span class="unit">{unit}</span>}
      </div>
      {hint && <p class="hint" id={`${id}-hint`}>{hint}</p>}
    </div>
  );
}

export function Area({ label, hint, value, onInput, rows = 4, ...rest }: {
  label: string; hint?: ComponentChildren; value: string; onInput: (text: string) => void; rows?: number;
  placeholder?: string; name?: string; required?: boolean;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <textarea id={id} rows={rows} value={value} spellcheck={false} {...rest}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onInput={(event) => onInput(event.currentTarget.value)} />
      {hint && <p class="hint" id={`${id}-hint`}>{hint}</p>}
    </div>
  );
}

export function Select({ label, value, onChange, options, hideLabel = false }: {
  label: string; value: string; onChange: (value: string) => void; options: [string, string][]; hideLabel?: boolean;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id} class={hideLabel ? 'sr' : undefined}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([key, name]) => <option value={key} key={key}>{name}</option>)}
      </select>
    </div>
  );
}

export function Check({ label, checked, onChange, hint }: {
  label: ComponentChildren; checked: boolean; onChange: (value: boolean) => void; hint?: string;
}) {
  return (
    <label class="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.currentTarget.checked)} />
      <span>{label}{hint && <small>{hint}</small>}</span>
    </label>
  );
}

/** One of a few, side by side. */
export function Segments({ label, value, options, onChange }: {
  label: string; value: string; options: [string, string][]; onChange: (value: string) => void;
}) {
  const name = useId();
  return (
    <fieldset class="segments">
      <legend class="sr">{label}</legend>
      {options.map(([key, text]) => (
        <label key={key} class={key === value ? 'on' : undefined}>
          <input class="sr" type="radio" name={name} checked={key === value} onChange={() => onChange(key)} />
          {text}
        </label>
      ))}
    </fieldset>
  );
}

export function Dialog({ title, onClose, children, wide = false }: Children & {
  title: string; onClose: () => void; wide?: boolean;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    if (!dialog) return undefined;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  return (
    <dialog ref={ref} class={wide ? 'wide' : undefined} aria-labelledby={id}
      onCancel={(event) => { event.preventDefault(); onClose(); }}
      onMouseDown={(event) => { if (event.target === ref.current) onClose(); }}>
      <div class="dialog">
        <header>
          <h2 id={id}>{title}</h2>
          <Button kind="quiet" icon="close" aria-label="Close" onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

export function Notice({ kind = 'info', children, action }: Children & {
  kind?: 'info' | 'good' | 'warn' | 'bad'; action?: ComponentChildren;
}) {
  return (
    <div class={`notice ${kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      <Icon name={kind === 'good' ? 'check' : kind === 'info' ? 'info' : 'alert'} />
      <div class="grow">{children}</div>
      {action}
    </div>
  );
}

export function Chip({ kind = 'plain', children, title }: Children & {
  kind?: 'plain' | 'good' | 'warn' | 'bad' | 'busy'; title?: string;
}) {
  return <span class={`chip ${kind}`} title={title}>{children}</span>;
}

export function Empty({ title, children, icon = 'search' }: Children & { title: string; icon?: IconName }) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Where something is on its way: its shape, not a spinner. */
export function Skeleton({ rows = 3, height = 72 }: { rows?: number; height?: number }) {
  return (
    <div aria-busy="true" aria-label="Loading" role="status" class="skeletons">
      {Array.from({ length: rows }, (_, i) => <div key={i} class="skeleton" style={{ height: `${height}px` }} />)}
    </div>
  );
}

/** Something to take elsewhere. Where the browser does not let a page copy, it is selected, ready to be. */
export function Copy({ text, label, secret = false }: { text: string; label: string; secret?: boolean }) {
  const [isDone, setDone] = useState(false);
  const ref = useRef<HTMLElement>(null);
  const copy = async (): Promise<void> => {
    if (await copyText(text)) {
      setDone(true);
      setTimeout(() => setDone(false), 1500);
    } else if (ref.current) {
      getSelection()?.selectAllChildren(ref.current);
      toast('This browser does not let the page copy it: it is selected, so copy it by hand.', 'bad');
    }
  };
  return (
    <div class="copy">
      <code ref={ref} tabIndex={0} aria-label={label} data-secret={secret || undefined}>{text}</code>
      <Button kind="quiet" icon={isDone ? 'check' : 'copy'} aria-label={`Copy: ${label}`} onClick={() => void copy()} />
      <span class="sr" role="status">{isDone && 'It is copied.'}</span>
    </div>
  );
}

export function Page({ title, lead, actions, children, note }: Children & {
  title: string; lead?: ComponentChildren; actions?: ComponentChildren; note?: ComponentChildren;
}) {
  useEffect(() => { document.title = `${title} · Berth`; }, [title]);
  return (
    <>
      <header class="page-head">
        <div>
          <h1>{title}</h1>
          {lead && <p class="lead">{lead}</p>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {note}
      {children}
    </>
  );
}

export function Card({ title, children, actions, class: name = '' }: Children & {
  title?: string; actions?: ComponentChildren; class?: string;
}) {
  return (
    <section class={`card ${name}`}>
      {title && <header><h2>{title}</h2>{actions && <div class="actions">{actions}</div>}</header>}
      {children}
    </section>
  );
}

/** Where there is no room for its columns each row is a card, and each cell says of what column it is: by a name that
 * the style takes from here. `kind` is for few, short columns, which stay columns, or for many, which stand closer. */
export function Table({ head, children, label, kind = '' }: Children & { head: string[]; label: string; kind?: 'columns' | 'dense' | '' }) {
  const names = Object.fromEntries(head.map((text, i) => [`--c${i + 1}`, JSON.stringify(text)]));
  return (
    <div class={`table ${kind}`} role="region" aria-label={label} tabIndex={0}>
      <table style={names}>
        <thead><tr>{head.map((text) => <th key={text} scope="col">{text}</th>)}</tr></thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

export function Facts({ rows }: { rows: [string, ComponentChildren][] }) {
  return <dl class="facts">{rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>;
}

export function Tabs({ label, tabs, value, to }: {
  label: string; tabs: [string, string][]; value: string; to: (key: string) => string;
}) {
  const ref = useRef<HTMLElement>(null);
  useEffect(() => {
    const nav = ref.current;
    if (!nav) return undefined;
    /* Where not all of them fit the present one is in the middle. */
    const watcher = new ResizeObserver(() => {
      const here = nav.querySelector<HTMLElement>('[aria-current]');
      if (here) nav.scrollLeft = here.offsetLeft - (nav.clientWidth - here.offsetWidth) / 2;
    });
    watcher.observe(nav);
    return () => watcher.disconnect();
  }, [value]);
  return (
    <nav class="tabs" aria-label={label} ref={ref}>
      {tabs.map(([key, name]) => (
        <a key={key} href={to(key)} aria-current={key === value ? 'page' : undefined}>{name}</a>
      ))}
    </nav>
  );
}

/** What was done, in a sentence, for a while. */
const toasts = store<{ id: number; text: string; kind: 'good' | 'bad'; link?: [string, string] }[]>([]);
let toastCount = 0;

export function toast(text: string, kind: 'good' | 'bad' = 'good', link?: [string, string]): void {
  const id = ++toastCount;
  toasts.set([...toasts.get(), { id, text, kind, link }]);
  setTimeout(() => toasts.set(toasts.get().filter((one) => one.id !== id)), 7000);
}

export function Toasts() {
  const list = useStore(toasts);
  return (
    <div class="toasts" aria-live="polite">
      {list.map(({ id, text, kind, link }) => (
        <p key={id} class={kind}>{text}{link && <> <a href={link[0]}>{link[1]}</a></>}</p>
      ))}
    </div>
  );
}

/** Something that is read from the server: its value, or why there is none. */
export function useLoad<T>(load: () => Promise<T>, on: unknown[] = []): {
  data: T | null; error: string | null; reload: () => void;
} {
  const [data, setData] = useState<T | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let isGone = false;
    load().then(
      (value) => { if (!isGone) { setData(() => value); setError(null); } },
      (reason: unknown) => { if (!isGone) setError(sentence(reason)); },
    );
    return () => { isGone = true; };
  }, [turn, ...on]);
  return { data, error, reload: () => setTurn((at) => at + 1) };
}

/** Something that is done once a button is pressed: whether it is on its way, and why it failed. A second press while it is on
 * its way does nothing: buttons rent and pay. */
export function useAct(): { busy: boolean; error: string | null; act: (work: () => Promise<void>) => void } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const isOn = useRef(false); // at once; what is drawn follows a moment later
  const act = (work: () => Promise<void>): void => {
    if (isOn.current) return;
    isOn.current = true;
    setBusy(true);
    setError(null);
    work().catch((reason: unknown) => setError(sentence(reason))).finally(() => { isOn.current = false; setBusy(false); });
  };
  return { busy, error, act };
}

export function Loaded<T>({ from, children, rows, height }: {
  from: { data: T | null; error: string | null; reload: () => void };
  children: (data: T) => ComponentChildren; rows?: number; height?: number;
}) {
  if (from.error && from.data === null)
    return <Notice kind="bad" action={<Button onClick={from.reload}>Try again</Button>}>{from.error}</Notice>;
  return from.data === null ? <Skeleton rows={rows} height={height} /> : <>{children(from.data)}</>;
}
