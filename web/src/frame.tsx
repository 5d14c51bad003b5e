// SPDX-License-Identifier: Apache-2.0
/** What is around every page: the way to all others, what it costs now, and who is here. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Bell } from './bell';
import { Factor } from './factor';
import { call } from './lib/api';
import { duration, money } from './lib/format';
import { live } from './lib/live';
import { usePlace } from './lib/router';
import { actFor, firstKey, logOut, session } from './lib/session';
import { useStore } from './lib/store';
import { switchTheme, theme } from './lib/theme';
import { Icon, Mark, type IconName } from './ui/icons';
import { Button, Copy, Notice, Select, Toasts, useLoad } from './ui/parts';

type Link = [string, string, IconName];

const renter: Link[] = [['/', 'Search', 'search'], ['/market', 'Market', 'chart'], ['/instances', 'Instances', 'servers'],
  ['/volumes', 'Volumes', 'disk'], ['/orders', 'Standing orders', 'clock'], ['/templates', 'Templates', 'template']];
const open: Link[] = [['/', 'Search', 'search'], ['/market', 'Market', 'chart']];
const host: Link[] = [['/machines', 'Machines', 'host'], ['/create-job', 'Create Job', 'terminal'], ['/setup', 'Setup', 'up'], ['/earnings', 'Earnings', 'coins']];
const account: Link[] = [['/billing', 'Billing', 'card'], ['/team', 'Team', 'people'], ['/audit', 'Audit log', 'list'], ['/keys', 'Keys', 'key'], ['/settings', 'Settings', 'gear']];
const operator: Link[] = [['/operator', 'Operator', 'filter']];

function Links({ links, path, count }: { links: Link[]; path: string; count?: Record<string, number> }) {
  return (
    <>
      {links.map(([to, name, icon]) => {
        const isHere = to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`);
        const many = count?.[to];
        return (
          <a key={to} class="place" href={to} aria-current={isHere ? 'page' : undefined}>
            <Icon name={icon} />{name}
            {many ? <span class="count" aria-label={`${many} of them`}>{many}</span> : null}
          </a>
        );
      })}
    </>
  );
}

function Side({ isOpen }: { isOpen: boolean }) {
  const { path } = usePlace();
  const { state, user, teams, team } = useStore(session);
  const { instances } = useStore(live);
  const isIn = state === 'in';
  const volumes = useLoad(async () => (isIn ? (await call('GET /api/v0/volumes/')).volumes.length : 0), [isIn, team, path === '/volumes']);

  return (
    <nav class={isOpen ? 'side open' : 'side'} id="side" aria-label="Pages">
      <a class="brand" href="/"><Mark />Berth</a>
      <Links links={isIn ? renter : open} path={path} count={{ '/instances': instances?.size ?? 0, '/volumes': volumes.data ?? 0 }} />
      {isIn && <><h2>Hosting</h2><Links links={host} path={path} /></>}
      {isIn && <><h2>Account</h2><Links links={account} path={path} /></>}
      {user?.is_admin && <><h2>The market</h2><Links links={operator} path={path} /></>}
      <div class="foot">
        <a class="place" href="/help" aria-current={path === '/help' ? 'page' : undefined}><Icon name="help" />Help</a>
        <a class="place" href="/help?q=cli"><Icon name="terminal" />Command line</a>
        <a class="place" href="/api/openapi.json"><Icon name="link" />API</a>
        {isIn && teams.length > 0 && (
          <Select label="Act for" value={String(team ?? '')} onChange={(value) => void actFor(Number(value) || null)}
            options={[['', 'Myself'], ...teams.map(({ id, name }): [string, string] => [String(id), name])]} />
        )}
        {isIn && <span class="small muted" title={user?.email}>{user?.username || user?.email}</span>}
        {isIn && <Button kind="quiet" icon="out" onClick={() => void logOut()}>Log out</Button>}
      </div>
    </nav>
  );
}

function Money() {
  const { credit, burnHour } = useStore(live);
  const { user } = useStore(session);
  const have = credit ?? user?.credit ?? null;

  if (have === null) return null;
  const left = burnHour ? (have / burnHour) * 3600 : null;
  const isLow = left !== null && left < 3600;
  return (
    <>
      {burnHour ? (
        <a class="pill optional" href="/instances" title="What your instances cost now">
          <span class="muted">now</span> <b>{money(burnHour, 3)}/h</b>
        </a>
      ) : null}
      <a class={isLow ? 'pill low' : 'pill'} href="/billing" title={left === null ? 'Credit' : `Lasts ${duration(left)} at this rate`}>
        <span class="muted">Credit</span> <b>{money(have, 2)}</b>
      </a>
    </>
  );
}

function Top({ onMenu, isOpen }: { onMenu: () => void; isOpen: boolean }) {
  const { state } = useStore(session);
  const { isStale, isOpen: isLive } = useStore(live);
  const shown = useStore(theme);

  return (
    <header class="top">
      <span class="menu-button">
        <Button kind="quiet" icon="menu" aria-label="Menu" aria-expanded={isOpen} aria-controls="side" onClick={onMenu} />
      </span>
      <span class="grow" />
      {state === 'in' && isStale && <span class="chip warn" role="status">Not live{isLive ? '' : ': reconnecting'}</span>}
      {state === 'in' && <Money />}
      {state === 'in' && <Bell />}
      {state === 'out' && <a class="button quiet" href="/login">Log in</a>}
      {state === 'out' && <a class="button primary" href="/signup">Sign up</a>}
      <Button kind="quiet" icon={shown === 'dark' ? 'sun' : 'moon'} onClick={switchTheme}
        aria-label={shown === 'dark' ? 'Light colours' : 'Dark colours'} />
    </header>
  );
}

/** What signing up has answered, until it is put away. */
function FirstKey() {
  const key = useStore(firstKey);
  if (!key) return null;
  return (
    <Notice kind="good" action={<Button onClick={() => firstKey.set(null)}>I have kept it</Button>}>
      <p>Your account is made. This is its first API key, for the command line and scripts; it is shown this once.</p>
      <Copy text={key} label="API key" secret />
    </Notice>
  );
}

export function Frame({ children }: { children: ComponentChildren }) {
  const [isOpen, setOpen] = useState(false);
  const place = usePlace();

  useEffect(() => setOpen(false), [place]);
  useEffect(() => {
    const find = (event: KeyboardEvent): void => {
      const isTyping = (event.target as Element).matches('input, textarea, select, [contenteditable]');
      if (event.key === 'Escape') setOpen(false);
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey) return;
      const box = document.querySelector<HTMLElement>('[data-find]');
      if (box) { event.preventDefault(); box.focus(); }
    };
    addEventListener('keydown', find);
    return () => removeEventListener('keydown', find);
  }, []);
  return (
    <div class="frame">
      <a class="skip" href="#content">To the content</a>
      <Side isOpen={isOpen} />
      {isOpen && <button class="veil" aria-label="Close the menu" onClick={() => setOpen(false)} />}
      <div>
        <Top onMenu={() => setOpen(!isOpen)} isOpen={isOpen} />
        <main id="content" tabIndex={-1}><FirstKey />{children}</main>
      </div>
      <Factor />
      <Toasts />
    </div>
  );
}
