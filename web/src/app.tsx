// SPDX-License-Identifier: Apache-2.0
import type { ComponentType } from 'preact';
import { Frame } from './frame';
import { usePlace } from './lib/router';
import { session } from './lib/session';
import { useStore } from './lib/store';
import { AuditPage } from './pages/audit';
import { BillingPage } from './pages/billing';
import { EarningsPage } from './pages/earnings';
import { ForgotPage, LoginPage, SignUpPage } from './pages/gate';
import { HelpPage } from './pages/help';
import { InstancePage } from './pages/instance';
import { InstancesPage } from './pages/instances';
import { KeysPage } from './pages/keys';
import { CreateJobPage } from './pages/machines/job';
import { MachinePage } from './pages/machines/machine';
import { MachinesPage } from './pages/machines';
import { MarketPage } from './pages/market';
import { OperatorPage } from './pages/operator';
import { SearchPage } from './pages/search';
import { SettingsPage } from './pages/settings';
import { SetupPage } from './pages/setup';
import { TeamPage } from './pages/team';
import { TemplatesPage } from './pages/templates';
import { Empty, Page, Skeleton } from './ui/parts';

interface Row {
  pattern: RegExp;
  page: ComponentType<{ id: number }>;
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
  const { state, team } = useStore(session);
  const row = pages.find(({ pattern }) => pattern.test(path));

  if (!row) return <NotFound />;
  const Found = row.page;
  const id = Number(row.pattern.exec(path)?.[1] ?? 0);
  if (state === 'in' || row.isPublic) return <Found id={id} key={`${path} ${team ?? ''}`} />;
  return state === 'unknown' ? <Skeleton rows={4} /> : <LoginPage id={0} />;
}

export function App() {
  return <Frame><View /></Frame>;
}
