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

const NARROW = 'berth-narrow';

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
          <a key={to} class="place" href={to} title={name} aria-current={isHere ? 'page' : undefined}>
            <Icon name={icon} /><span class="wide">{name}</span>
            {many ? <span class="count" aria-label={`${many} of them`}>{many}</span> : null}
          </a>
        );
      })}
    </>
  );
}

/** Who one acts as, and a way to be somebody else. */
function Account() {
  const { user, teams, team } = useStore(session);
  const here = teams.find(({ id }) => id === team);
  const name = here?.name ?? user?.username ?? user?.email ?? 'Your account';
  return (
    <div class="account">
      <span class="avatar" aria-hidden="true">{name.slice(0, 1).toUpperCase()}</span>
      <div class="wide grow">
        <b title={user?.email}>{name}</b>
        <span class="muted small">{here ? here.role : user?.is_admin ? 'operator' : 'yourself'}</span>
      </div>
      {teams.length > 0 && (
        <div class="wide switch"><Select label="Act for" hideLabel value={String(team ?? '')} onChange={(value) => void actFor(Number(value) || null)}
          options={[['', 'Myself'], ...teams.map((one): [string, string] => [String(one.id), one.name])]} /></div>
      )}
    </div>
  );
}

function Side({ isOpen, isNarrow, onNarrow }: { isOpen: boolean; isNarrow: boolean; onNarrow: () => void }) {
  const { path } = usePlace();
  const { state, user, team } = useStore(session);
  const { instances } = useStore(live);
  const isIn = state === 'in';
  const volumes = useLoad(async () => (isIn ? (await call('GET /api/v0/volumes/')).volumes.length : 0), [isIn, team, path === '/volumes']);

  return (
    <nav class={isOpen ? 'side open' : 'side'} id="side" aria-label="Pages">
      <a class="brand" href="/"><Mark /><span class="wide">Berth</span></a>
      {isIn && <Account />}
      <Links links={isIn ? renter : open} path={path} count={{ '/instances': instances?.size ?? 0, '/volumes': volumes.data ?? 0 }} />
      {isIn && <><h2 class="wide">Hosting</h2><Links links={host} path={path} /></>}
      {isIn && <><h2 class="wide">Account</h2><Links links={account} path={path} /></>}
      {user?.is_admin && <><h2 class="wide">The market</h2><Links links={operator} path={path} /></>}
      <div class="foot">
        <a class="place" href="/help" title="Help" aria-current={path === '/help' ? 'page' : undefined}><Icon name="help" /><span class="wide">Help</span></a>
        <a class="place" href="/help?q=cli" title="Command line"><Icon name="terminal" /><span class="wide">Command line</span></a>
        {isIn && <button class="place" title="Log out" aria-label="Log out" onClick={() => void logOut()}><Icon name="out" /><span class="wide">Log out</span></button>}
        <button class="place narrow-button" aria-label={isNarrow ? 'Widen the bar' : 'Narrow the bar'} title={isNarrow ? 'Widen' : 'Narrow'} aria-pressed={isNarrow} onClick={onNarrow}><Icon name="menu" /><span class="wide">Narrow</span></button>
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
      <a class={isLow ? 'pill low' : 'pill credit'} href="/billing" title={left === null ? 'Credit' : `Lasts ${duration(left)} at this rate`}>
        <span class="muted">Credit</span> <b>{money(have, 2)}</b>
      </a>
    </>
  );
}

const SITE: [string, string][] = [['/api/openapi.json', 'API'], ['/help', 'FAQ'], ['/help?about=hosting', 'Hosting']];

function Top({ onMenu, isOpen }: { onMenu: () => void; isOpen: boolean }) {
  const { state } = useStore(session);
  const { isStale, isOpen: isLive } = useStore(live);
  const shown = useStore(theme);

  return (
    <header class="top">
      <span class="menu-button">
        <Button kind="quiet" icon="menu" aria-label="Menu" aria-expanded={isOpen} aria-controls="side" onClick={onMenu} />
      </span>
      <nav class="site" aria-label="About the market">{SITE.map(([to, name]) => <a key={to} href={to}>{name}</a>)}</nav>
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
  const { isStale } = useStore(live);
  const [isOpen, setOpen] = useState(false);
  const [isNarrow, setNarrow] = useState(localStorage.getItem(NARROW) === '1');
  const place = usePlace();
  const narrow = (): void => { localStorage.setItem(NARROW, isNarrow ? '' : '1'); setNarrow(!isNarrow); };

  useEffect(() => setOpen(false), [place]);
  useEffect(() => {
    const find = (event: KeyboardEvent): void => {
      const isTyping = (event.target as Element).matches('input, textarea, select, [contenteditable]');
      if (event.key === 'Escape') setOpen(false);
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey) return;
      const box = document.querySelector<HTMLElement>('[data-find]');
      if (!box) return;
      event.preventDefault();
      if (box.matches('summary')) box.click(); // what it opens has the box
      else box.focus();
    };
    addEventListener('keydown', find);
    return () => removeEventListener('keydown', find);
  }, []);
  return (
    <div class={isNarrow ? 'frame narrow' : 'frame'}>
      <a class="skip" href="#content">To the content</a>
      <Side isOpen={isOpen} isNarrow={isNarrow} onNarrow={narrow} />
      {isOpen && <button class="veil" aria-label="Close the menu" onClick={() => setOpen(false)} />}
      <div>
        <Top onMenu={() => setOpen(!isOpen)} isOpen={isOpen} />
        <main id="content" tabIndex={-1} class={isStale ? 'stale' : undefined}><FirstKey />{children}</main>
      </div>
      <Factor />
      <Toasts />
    </div>
  );
}
