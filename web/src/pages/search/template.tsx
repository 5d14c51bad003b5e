// SPDX-License-Identifier: Apache-2.0
/** What is going to run: the template that was chosen, or that one is chosen when renting. */
import type { Template } from '#api';
import { call } from '../../lib/api';
import { setQuery } from '../../lib/router';
import { session } from '../../lib/session';
import { useStore } from '../../lib/store';
import { Button, Chip, useLoad } from '../../ui/parts';

type Known = Partial<Template>;

export function useTemplate(hash: string): Known | null {
  const { state } = useStore(session);
  const list = useLoad(async () => (state === 'in' && hash ? (await call('GET /api/v0/template/')).templates : []), [state, hash]);
  return list.data?.find((one) => one.hash_id === hash) ?? null;
}

/** Which offers it fits on, as a query object; nothing where it does not say, or says it wrongly. */
export function fitsOf(one: Known | null): Record<string, unknown> {
  try {
    return one?.extra_filters ? (JSON.parse(one.extra_filters) as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** A letter of its name on a colour of its own. */
export function Tile({ name }: { name: string }) {
  return <span class={`tile t${[...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 4}`} aria-hidden="true">{name.slice(0, 1).toUpperCase()}</span>;
}

const isArm = (one: Known): boolean => /arm64|aarch64/.test(`${one.image} ${one.extra_filters}`);
/** "22.04", of "ubuntu:22.04". */
export const versionOf = (one: Known): string => one.tag ?? /:([^:/]+)$/.exec(one.image ?? '')?.[1] ?? 'latest';

export function TemplateChips({ one }: { one: Known }) {
  const isJupyter = one.runtype === 'jupyter';
  return (
    <p class="row chips">
      <Chip title="Version">{versionOf(one)}</Chip>
      {one.runtype === 'args' ? <Chip>Command</Chip> : <Chip>SSH</Chip>}
      {isJupyter && <Chip>Jupyter</Chip>}
      {isArm(one) && <Chip>ARM</Chip>}
      {one.recommended && <Chip kind="good">Recommended</Chip>}
    </p>
  );
}

export function TemplateCard({ found }: { found: Known | null }) {
  const me = useStore(session);
  const isMine = found !== null && found.creator_id === (me.team ?? me.user?.id);
  return (
    <section class="template-card">
      <header class="row"><Tile name={found?.name ?? '?'} /><div class="grow"><h2>{found?.name ?? 'Any image'}</h2>
        <p class="muted small">{found ? (found.href ? <a href={found.href} target="_blank" rel="noreferrer">{found.image}</a> : <code>{found.image}</code>) : 'Chosen when you rent.'}</p></div>
        {found && <Button kind="quiet" icon="close" aria-label="No template" onClick={() => setQuery({ template: null })} />}</header>
      {found && <TemplateChips one={found} />}
      <div class="row">
        <a class="button" href="/templates">Change Template</a>
        {found && <a class="button quiet" href={`/templates?show=${found.hash_id}`} aria-label={`Read me of ${found.name}`}>Read me</a>}
        {isMine && <a class="button quiet" href={`/templates?edit=${found.hash_id}`} aria-label={`Edit ${found.name}`}>Edit</a>}
      </div>
    </section>
  );
}
