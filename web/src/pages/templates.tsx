// SPDX-License-Identifier: Apache-2.0
/** Templates: an image with what is said to it, under a name. */
import { useState } from 'preact/hooks';
import type { Template } from '#api';
import { call } from '../lib/api';
import { ago, number, plural } from '../lib/format';
import { launchName } from '../lib/launch';
import { go, setQuery, usePlace } from '../lib/router';
import { session } from '../lib/session';
import { Button, Card, Dialog, Empty, Facts, Loaded, Notice, Page, Segments, Tabs, toast, useAct, useLoad } from '../ui/parts';
import { TemplateChips, Tile } from './search/template';
import { TemplateEditor } from './templates/editor';

export type Known = Partial<Template>;

const TABS: [string, string][] = [['', 'All'], ['recommended', 'Recommended'], ['mine', 'Mine'], ['recent', 'Recent'], ['popular', 'Popular']];

/** What templates may be told apart by, each a chip to press. */
const TAGS: [string, (one: Known) => boolean][] = [['SSH', (one) => one.runtype === 'ssh'], ['Jupyter', (one) => one.runtype === 'jupyter'], ['Command', (one) => one.runtype === 'args'],
  ['Public', (one) => one.private === false], ['Private', (one) => one.private === true]];

function keep(list: Known[], tab: string, text: string, tag: string): Known[] {
  const me = session.get().team ?? session.get().user?.id;
  const word = text.toLowerCase();
  const fits = TAGS.find(([name]) => name === tag)?.[1] ?? (() => true);
  const found = list.filter((one) => `${one.name} ${one.image} ${one.desc}`.toLowerCase().includes(word) && fits(one));

  if (tab === 'recommended') return found.filter((one) => one.recommended);
  if (tab === 'mine') return found.filter((one) => one.creator_id === me);
  if (tab === 'recent') return found.filter((one) => one.recent_create_date).sort((a, b) => (b.recent_create_date ?? 0) - (a.recent_create_date ?? 0));
  if (tab === 'popular') return found.filter((one) => one.count_created).sort((a, b) => (b.count_created ?? 0) - (a.count_created ?? 0));
  return found;
}

function Detail({ one, onClose }: { one: Known; onClose: () => void }) {
  return (
    <Dialog title={one.name ?? 'Template'} onClose={onClose} wide>
      <Facts rows={[['Image', <code>{one.image}</code>], ['Launched as', one.runtype ? launchName(one.runtype) : '–'], ['Variables and ports', one.env ? <code>{one.env}</code> : 'none'],
        ['At each start', one.onstart ? <code>{one.onstart}</code> : 'nothing'], ['Disk', one.recommended_disk_space ? `${number(one.recommended_disk_space)} GB` : 'any'],
        ['Volume', one.volume_info ? `${number(one.volume_info.size)} GB, new, at ${one.volume_info.mount_path}` : 'none'], ['Instances made', number(one.count_created ?? 0)]]} />
      {one.readme ? <pre class="log wrapped" tabIndex={0} aria-label="Read me">{one.readme}</pre> : <p class="muted">It has no text for its readers.</p>}
      <div><a class="button primary" href={useLink(one)}>Use it</a></div>
    </Dialog>
  );
}

/** A search for what it fits on. */
function useLink(one: Known): string {
  const query = new URLSearchParams({ template: one.hash_id ?? '' });
  if (one.recommended_disk_space) query.set('disk', String(Math.ceil(one.recommended_disk_space)));
  if (one.volume_info) query.set('vol', String(one.volume_info.size));
  return `/?${query}`;
}

function Remove({ one, onClose, onDone }: { one: Known; onClose: () => void; onDone: () => void }) {
  const { busy, error, act } = useAct();
  const remove = (): void => act(async () => {
    await call('DELETE /api/v0/template/', { body: { template_id: one.id } });
    toast('The template is gone. Instances made with it go on.');
    onDone();
  });
  return (
    <Dialog title={`Delete ${one.name}?`} onClose={onClose}>
      <p>Nobody can use it from then on. Instances that were made with it go on as they are; it costs nothing to keep.</p>
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="row"><Button kind="danger" busy={busy} onClick={remove}>Delete it</Button><Button onClick={onClose}>Leave it as it is</Button></div>
    </Dialog>
  );
}

function TemplateCard({ one, onEdit, onRemove, onShow }: { one: Known; onEdit: () => void; onRemove: () => void; onShow: () => void }) {
  const isMine = one.creator_id === (session.get().team ?? session.get().user?.id);
  return (
    <Card>
      <div class="stack tight">
        <header class="row"><Tile name={one.name ?? '?'} /><div class="grow"><h2>{one.name}</h2><p class="muted small">{one.href ? <a href={one.href} target="_blank" rel="noreferrer">{one.image}</a> : <code>{one.image}</code>}</p></div></header>
        <TemplateChips one={one} />
        {isMine && one.private && <p class="small muted">Only you see it.</p>}
        {one.desc && <p>{one.desc}</p>}
        <p class="muted small">{one.count_created ? `${plural(one.count_created, 'instance')}, the last ${one.recent_create_date ? ago(one.recent_create_date) : ''}` : 'Not used yet'}</p>
        <div class="row">
          <a class="button primary" href={useLink(one)} aria-label={`Use ${one.name}`}>Use it</a>
          <Button kind="quiet" aria-label={`Read me of ${one.name}`} onClick={onShow}>Read me</Button>
          {isMine && <Button kind="quiet" aria-label={`Edit ${one.name}`} onClick={onEdit}>Edit</Button>}
          {isMine && <Button kind="quiet" icon="trash" aria-label={`Delete ${one.name}`} onClick={onRemove} />}
        </div>
      </div>
    </Card>
  );
}

export function TemplatesPage(_: { id: number }) {
  const { query } = usePlace();
  const tab = query.get('tab') ?? '';
  const list = useLoad(async () => (await call('GET /api/v0/template/')).templates);
  const [gone, setGone] = useState<Known | null>(null);
  const edited = query.get('edit');
  const shownId = query.get('show');
  const find = (hash: string | null): Known | null => list.data?.find((one) => one.hash_id === hash) ?? null;
  const shown = find(shownId);
  const done = (made: Known, isUsed: boolean): void => {
    list.reload();
    if (isUsed) go(useLink(made));
    else setQuery({ edit: null });
  };

  return (
    <Page title="Templates" lead="What to run, under a name: an image, how it is launched, and what is said to it."
      actions={<Button kind="primary" icon="template" onClick={() => setQuery({ edit: 'new' })}>New template</Button>}>
      <Tabs label="Templates" value={tab} tabs={TABS} to={(key) => `/templates${key ? `?tab=${key}` : ''}`} />
      <div class="strip"><div class="field grow"><label class="sr" for="find">Find a template</label>
        <input id="find" type="search" placeholder="Find by name, image or description" data-find value={query.get('find') ?? ''}
          onInput={(event) => setQuery({ find: event.currentTarget.value })} /></div>
        <Segments label="Kind" value={query.get('tag') ?? ''} options={[['', 'All'], ...TAGS.map(([name]): [string, string] => [name, name])]} onChange={(tag) => setQuery({ tag })} /></div>
      <Loaded from={list} rows={2} height={150}>
        {(all) => {
          const found = keep(all, tab, query.get('find') ?? '', query.get('tag') ?? '');
          return found.length === 0
            ? <Empty icon="template" title="No template here"><p>Make one of an image that you use, and it is one click from then on.</p></Empty>
            : <div class="cards">{found.map((one) => <TemplateCard key={one.hash_id} one={one} onShow={() => setQuery({ show: one.hash_id ?? null })}
              onEdit={() => setQuery({ edit: one.hash_id ?? null })} onRemove={() => setGone(one)} />)}</div>;
        }}
      </Loaded>
      {shown && <Detail one={shown} onClose={() => setQuery({ show: null })} />}
      {edited && (edited === 'new' || find(edited)) && <TemplateEditor key={edited} was={find(edited)} onClose={() => setQuery({ edit: null })} onDone={done} />}
      {gone && <Remove one={gone} onClose={() => setGone(null)} onDone={() => { setGone(null); list.reload(); }} />}
    </Page>
  );
}
