// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import type { Template, TemplateCreateRequest } from '#api';
import { call } from '../../lib/api';
import { LAUNCHES } from '../../lib/launch';
import { FILTERS, type Filter } from '../../lib/query';
import { Area, Button, Check, Dialog, Field, Notice, Segments, Table, toast, useAct } from '../../ui/parts';


const FITTING = ['vram', 'cuda', 'ram', 'cpus', 'down', 'reliability', 'price', 'ports'];
const EDITOR_TABS: [string, string][] = [['', 'Config'], ['readme', 'ReadMe']];

interface Draft {
  name: string; image: string; desc: string; env: string; onstart: string; args: string; launch: string; disk: string; filters: string;
  readme: string; isPrivate: boolean; isDirect: boolean; tag: string; href: string; registry: string; registryUser: string; registryPassword: string; volume: string; mount: string;
}

const draftOf = (was: Partial<Template> | null): Draft => ({
  name: was?.name ?? '', image: was?.image ?? '', desc: was?.desc ?? '', env: was?.env ?? '', onstart: was?.onstart ?? '', args: was?.args_str ?? '',
  launch: was?.runtype ?? 'ssh', disk: was?.recommended_disk_space ? String(was.recommended_disk_space) : '', filters: was?.extra_filters ?? '',
  readme: was?.readme ?? '', isPrivate: was?.private ?? true, isDirect: (was?.ssh_direct ?? true) || (was?.jup_direct ?? false), tag: was?.tag ?? '', href: was?.href ?? '', registry: was?.docker_login_repo ?? '', registryUser: '', registryPassword: '',
  volume: was?.volume_info ? String(was.volume_info.size) : '', mount: was?.volume_info?.mount_path ?? '/data' });

export interface EnvRow { kind: 'variable' | 'port' | 'not understood'; name: string; value: string }

/** Docker's flags as a table: "-e NAME=VALUE -p 8080:8080". */
export function envRows(text: string): EnvRow[] {
  const words = text.match(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g)?.map((word) => word.replace(/["']/g, '')) ?? [];
  const rows: EnvRow[] = [];
  for (let i = 0; i < words.length; i++) {
    const [flag, next] = [words[i] as string, words[i + 1] ?? ''];
    if (flag === '-e' || flag === '--env') {
      const at = next.indexOf('=');
      rows.push({ kind: 'variable', name: at < 0 ? next : next.slice(0, at), value: at < 0 ? '' : next.slice(at + 1) });
      i++;
    } else if (flag === '-p' || flag === '--publish') {
      rows.push({ kind: 'port', name: next, value: 'reachable from outside' });
      i++;
    } else {
      rows.push({ kind: 'not understood', name: flag, value: '' });
    }
  }
  return rows;
}

function bodyOf(draft: Draft): TemplateCreateRequest {
  const body: TemplateCreateRequest = {
    name: draft.name, image: draft.image, desc: draft.desc, env: draft.env, onstart: draft.onstart, args_str: draft.args, runtype: draft.launch,
    readme: draft.readme, readme_visible: true, private: draft.isPrivate, use_ssh: draft.launch !== 'args', ssh_direct: draft.isDirect, jup_direct: draft.isDirect && draft.launch === 'jupyter',
    tag: draft.tag || null, href: draft.href || null, volume_info: draft.volume ? { create_new: true, size: Number(draft.volume), mount_path: draft.mount } : false };
  if (draft.disk) body.recommended_disk_space = Number(draft.disk);
  if (draft.filters.trim()) body.extra_filters = JSON.parse(draft.filters) as unknown;
  if (draft.registry) body.docker_login_repo = draft.registry;
  if (draft.registryUser) Object.assign(body, { docker_login_user: draft.registryUser, docker_login_pass: draft.registryPassword });
  return body;
}

function Env({ text }: { text: string }) {
  const rows = envRows(text);
  return rows.length === 0 ? null : (
    <Table head={['Kind', 'Name', 'Value']} label="Variables and ports">
      {rows.map((row, i) => <tr key={i}><td>{row.kind}</td><th scope="row"><code>{row.name}</code></th><td class="wrap">{row.value}</td></tr>)}
    </Table>
  );
}

/** The same filters as a search has, kept as a query object. */
function Fits({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  let asked: Record<string, Record<string, number> | undefined> | null;
  try { asked = text.trim() ? (JSON.parse(text) as Record<string, Record<string, number>>) : {}; } catch { asked = null; }
  const set = (filter: Filter, value: string): void => {
    const next = { ...asked };
    delete next[filter.field];
    if (Number(value) > 0) next[filter.field] = { [filter.operator]: Number((Number(value) * (filter.scale ?? 1)).toFixed(6)) };
    onChange(Object.keys(next).length > 0 ? JSON.stringify(next) : '');
  };
  return (
    <fieldset class="stack tight"><legend><h3>Which offers fit</h3></legend>
      {asked && <div class="two">
        {FILTERS.filter(({ key }) => FITTING.includes(key)).map((filter) => {
          const value = asked?.[filter.field]?.[filter.operator];
          return <Field key={filter.key} label={filter.label} unit={filter.unit} type="number" min={0} max={filter.max} step={filter.step} placeholder="any"
            value={value === undefined ? '' : String(Number((value / (filter.scale ?? 1)).toFixed(3)))} onInput={(event) => set(filter, event.currentTarget.value)} />;
        })}
      </div>}
      <Area label="As a query object" value={text} rows={2} onInput={onChange} placeholder='{"gpu_ram": {"gte": 24000}}' hint={asked ? 'As a search sends it: for what the fields above do not say.' : 'It is no JSON yet.'} />
    </fieldset>
  );
}

function Registry({ draft, change }: { draft: Draft; change: (part: Partial<Draft>) => void }) {
  return (
    <div class="fix">
      <Field label="Registry" value={draft.registry} placeholder="ghcr.io" onInput={(event) => change({ registry: event.currentTarget.value })} />
      <div class="two">
        <Field label="Its user" value={draft.registryUser} autocomplete="off" onInput={(event) => change({ registryUser: event.currentTarget.value })} />
        <Field label="Its password" type="password" value={draft.registryPassword} autocomplete="new-password"
          hint="Kept sealed, for your own rentals alone; never shown again." onInput={(event) => change({ registryPassword: event.currentTarget.value })} />
      </div>
    </div>
  );
}

export function TemplateEditor({ was, onClose, onDone }: {
  was: Partial<Template> | null; onClose: () => void; onDone: (made: Partial<Template>, isUsed: boolean) => void;
}) {
  const [draft, setDraft] = useState(() => draftOf(was));
  const [isMore, setMore] = useState(false);
  const [tab, setTab] = useState('');
  const { busy, error, act } = useAct();
  const change = (part: Partial<Draft>): void => setDraft({ ...draft, ...part });
  const save = (isUsed: boolean): void => act(async () => {
    const body = bodyOf(draft);
    const { template } = was ? await call('PUT /api/v0/template/', { body: { ...body, id: was.id } }) : await call('POST /api/v0/template/', { body });
    toast('The template is kept.');
    onDone(template, isUsed);
  });
  return (
    <Dialog title={was ? `Edit ${was.name}` : 'New template'} onClose={onClose} wide>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); save(false); }}>
        <Segments label="What to edit" value={tab} options={EDITOR_TABS} onChange={setTab} />
        {tab === 'readme' ? <Area label="For its readers" value={draft.readme} rows={14} onInput={(readme) => change({ readme })} hint="They read it before they rent with it." /> : <>
        <div class="two">
          <Field label="Name" value={draft.name} required maxLength={256} onInput={(event) => change({ name: event.currentTarget.value })} />
          <Field label="Image" value={draft.image} required placeholder="ubuntu:22.04" spellcheck={false} onInput={(event) => change({ image: event.currentTarget.value.trim() })} />
          <Field label="Version" value={draft.tag} placeholder={/:[^/]+$/.test(draft.image) ? 'as the image says' : 'latest'} spellcheck={false} onInput={(event) => change({ tag: event.currentTarget.value.trim() })} />
        </div>
        <Field label="In one line" value={draft.desc} onInput={(event) => change({ desc: event.currentTarget.value })} />
        <Segments label="How to launch it" value={draft.launch} options={LAUNCHES} onChange={(launch) => change({ launch })} />
        {draft.launch === 'args' && <Field label="Arguments" value={draft.args} spellcheck={false} onInput={(event) => change({ args: event.currentTarget.value })} />}
        <Area label="Variables and ports" value={draft.env} rows={2} onInput={(env) => change({ env })} placeholder="-e TOKEN=abc -p 8080:8080" hint="As Docker's own flags: -e and -p." />
        <Env text={draft.env} />
        <Area label="At each start, run" value={draft.onstart} rows={3} onInput={(onstart) => change({ onstart })} />
        <Check label="More: disk, registry, which offers fit" checked={isMore} onChange={setMore} />
        {isMore && <>
          <div class="two">
            <Field label="Disk" unit="GB" type="number" min={1} value={draft.disk} placeholder="any" onInput={(event) => change({ disk: event.currentTarget.value })} />
            <Field label="New volume" unit="GB" type="number" min={1} step={1} value={draft.volume} placeholder="none" hint="Offered to who rents with it; it outlives the instance." onInput={(event) => change({ volume: event.currentTarget.value })} />
            {draft.volume && <Field label="Mounted at" value={draft.mount} required spellcheck={false} onInput={(event) => change({ mount: event.currentTarget.value.trim() })} />}
          </div>
          <Registry draft={draft} change={change} />
          <Fits text={draft.filters} onChange={(filters) => change({ filters })} />
          <Field label="Link to the image" value={draft.href} placeholder="https://hub.docker.com/_/ubuntu" onInput={(event) => change({ href: event.currentTarget.value.trim() })} />
        </>}
        {draft.launch !== 'args' && <Check label="Use direct connection" checked={draft.isDirect} onChange={(isDirect) => change({ isDirect })} hint="To the host itself, where it has ports; else through the market's relay." />}
        <Check label="Only I see it" checked={draft.isPrivate} onChange={(isPrivate) => change({ isPrivate })} />
        </>}
        {error && <Notice kind="bad">{error}</Notice>}
        <div class="row"><Button kind="primary" type="submit" busy={busy} disabled={!draft.name || !draft.image}>Save</Button><Button busy={busy} disabled={!draft.name || !draft.image} onClick={() => save(true)}>{was ? 'Save & Use' : 'Create & Use'}</Button></div>
      </form>
    </Dialog>
  );
}
