// SPDX-License-Identifier: Apache-2.0
import { useEffect } from 'preact/hooks';
import { Frame } from './frame';
import { usePlace } from './lib/router';
import { session } from './lib/session';
import { useStore } from './lib/store';
import { ForgotPage, LoginPage, SignUpPage } from './pages/gate';
import { SearchPage } from './pages/search';
import { lazy, type Lazy, type Shown } from './ui/lazy';
import { Empty, Notice, Page, Skeleton } from './ui/parts';

const AuditPage = lazy(() => import('./pages/audit').then((file) => file.AuditPage));
const BillingPage = lazy(() => import('./pages/billing').then((file) => file.BillingPage));
const EarningsPage = lazy(() => import('./pages/earnings').then((file) => file.EarningsPage));
const HelpPage = lazy(() => import('./pages/help').then((file) => file.HelpPage));
const InstancePage = lazy(() => import('./pages/instance').then((file) => file.InstancePage));
const InstancesPage = lazy(() => import('./pages/instances').then((file) => file.InstancesPage));
const KeysPage = lazy(() => import('./pages/keys').then((file) => file.KeysPage));
const CreateJobPage = lazy(() => import('./pages/machines/job').then((file) => file.CreateJobPage));
const MachinePage = lazy(() => import('./pages/machines/machine').then((file) => file.MachinePage));
const MachinesPage = lazy(() => import('./pages/machines').then((file) => file.MachinesPage));
const MarketPage = lazy(() => import('./pages/market').then((file) => file.MarketPage));
const OperatorPage = lazy(() => import('./pages/operator').then((file) => file.OperatorPage));
const SettingsPage = lazy(() => import('./pages/settings').then((file) => file.SettingsPage));
const SetupPage = lazy(() => import('./pages/setup').then((file) => file.SetupPage));
const TeamPage = lazy(() => import('./pages/team').then((file) => file.TeamPage));
const VolumesPage = lazy(() => import('./pages/volumes').then((file) => file.VolumesPage));
const OrdersPage = lazy(() => import('./pages/orders').then((file) => file.OrdersPage));
const TemplatesPage = lazy(() => import('./pages/templates').then((file) => file.TemplatesPage));

interface Row {
  pattern: RegExp;
  page: Shown;
  isPublic?: boolean;
}

const pages: Row[] = [
  { pattern: /^\/$/, page: SearchPage, isPublic: true },
  { pattern: /^\/login$/, page: LoginPage, isPublic: true },
  { pattern: /^\/signup$/, page: SignUpPage, isPublic: true },
  { pattern: /^\/forgot$/, page: ForgotPage, isPublic: true },
  { pattern: /^\/instances$/, page: InstancesPage },
  { pattern: /^\/instances\/(\d+)$/, page: InstancePage },
  { pattern: /^\/templates$/, page: TemplatesPage },
  { pattern: /^\/volumes$/, page: VolumesPage },
  { pattern: /^\/orders$/, page: OrdersPage },
  { pattern: /^\/machines$/, page: MachinesPage },
  { pattern: /^\/machines\/(\d+)$/, page: MachinePage },
  { pattern: /^\/create-job$/, page: CreateJobPage },
  { pattern: /^\/setup$/, page: SetupPage },
  { pattern: /^\/billing$/, page: BillingPage },
  { pattern: /^\/earnings$/, page: EarningsPage },
  { pattern: /^\/help$/, page: HelpPage, isPublic: true },
  { pattern: /^\/market$/, page: MarketPage, isPublic: true },
  { pattern: /^\/operator$/, page: OperatorPage },
  { pattern: /^\/team$/, page: TeamPage },
  { pattern: /^\/audit$/, page: AuditPage },
  { pattern: /^\/keys$/, page: KeysPage },
  { pattern: /^\/settings$/, page: SettingsPage },
];

function NotFound() {
  return (
    <Page title="Nothing here">
      <Empty title="There is no page at this address">
        <p>It may have been mistyped, or what it showed is gone.</p>
        <a class="button primary" href="/">Search for GPUs</a>
      </Empty>
    </Page>
  );
}

function View() {
  const { path } = usePlace();
  const { state, team, trouble } = useStore(session);
  const row = pages.find(({ pattern }) => pattern.test(path));

  if (!row) return <NotFound />;
  const Found = row.page;
  const id = Number(row.pattern.exec(path)?.[1] ?? 0);
  if (state === 'in' || row.isPublic) return <Found id={id} key={`${path} ${team ?? ''}`} />;
  if (state === 'out') return <LoginPage id={0} />;
  return trouble ? <Notice kind="warn">{trouble} This page tries again by itself.</Notice> : <Skeleton rows={4} />;
}

const QUIET_MS = 4000;

/** Once the first page has long been there, the others come, so that going to one takes no waiting. */
function fetchRest(): void {
  for (const { page } of pages) void (page as Partial<Lazy>).fetch?.().catch(() => undefined);
}

export function App() {
  useEffect(() => {
    const timer = setTimeout(fetchRest, QUIET_MS);
    return () => clearTimeout(timer);
  }, []);
  return <Frame><View /></Frame>;
}
