// SPDX-License-Identifier: Apache-2.0
/** What was done on the account, by whom and from where. */
import type { AuditEntry } from '#api';
import { call } from '../lib/api';
import { csv, download } from '../lib/download';
import { moment } from '../lib/format';
import { setQuery, usePlace } from '../lib/router';
import { useRules } from '../lib/rules';
import { session } from '../lib/session';
import { Button, Card, Empty, Loaded, Page, Table, Tabs, useLoad } from '../ui/parts';

const PAGE = 100;

const by = (one: AuditEntry): string => {
  const who = one.member_id === null ? '' : `member ${one.member_id}, `;
  return who + (one.session_id !== null ? `session ${one.session_id}` : one.api_key_id !== null ? `key ${one.api_key_id}` : 'the market');
};

function Entries() {
  const { query } = usePlace();
  const text = query.get('find') ?? '';
  const rules = useRules();
  const pages = Math.max(1, Number(query.get('pages')) || 1);
  const list = useLoad(() => call('GET /api/v0/audit_logs/'));
  const word = text.toLowerCase();
  const found = list.data?.filter((one) => `${one.api_route} ${one.args} ${one.ip_address} ${by(one)}`.toLowerCase().includes(word)) ?? [];
  const save = (): void => download('audit.csv', csv([['time', 'what', 'with', 'by', 'address'],
    ...found.map((one) => [new Date(one.created_at * 1000).toISOString(), one.api_route, one.args, by(one), one.ip_address])]));
  return (
    <div class="stack">
      <div class="strip">
        <div class="field grow"><label class="sr" for="find">Find in the log</label>
          <input id="find" type="search" data-find placeholder="Find by what was done, its values, an address, a key" value={text} onInput={(event) => setQuery({ find: event.currentTarget.value, pages: null })} /></div>
        <Button icon="down" disabled={found.length === 0} onClick={save}>Export</Button>
      </div>
      <Loaded from={list} rows={4} height={44}>
        {() => found.length === 0 ? <Empty icon="list" title="Nothing of that kind was done" /> : (
          <>
            <Table head={['When', 'What', 'With', 'By', 'From']} label="Audit log">
              {found.slice(0, PAGE * pages).map((one, i) => (
                <tr key={i}><th scope="row">{moment(one.created_at)}</th><td>{one.api_route.replace(/^api\./, '')}</td>
                  <td class="wrap"><code>{one.args === '{}' ? '' : one.args}</code></td><td>{by(one)}</td><td>{one.ip_address}</td></tr>
              ))}
            </Table>
            {found.length > PAGE * pages && <Button onClick={() => setQuery({ pages: String(pages + 1) })}>Show more</Button>}
          </>
        )}
      </Loaded>
      <p class="hint">What may have changed something, kept for {rules?.audit_days ?? '…'} days. Secrets are never in it: an ellipsis stands for them.</p>
    </div>
  );
}

function Addresses() {
  const list = useLoad(() => call('GET /api/v0/users/{user_id}/ipaddrs/', { path: { user_id: session.get().user?.id ?? 0 } }));
  return (
    <Loaded from={list} rows={2} height={44}>
      {({ results }) => (
        <Card title="From where the account was used">
          <Table head={['Address', 'First seen', 'Place']} label="Addresses">
            {results.map((one) => <tr key={one.ip}><th scope="row">{one.ip}</th><td>{one.first_seen}</td><td>{one.first_location ?? 'not known'}</td></tr>)}
          </Table>
        </Card>
      )}
    </Loaded>
  );
}

export function AuditPage(_: { id: number }) {
  const tab = usePlace().query.get('tab') ?? '';
  return (
    <Page title="Audit log" lead="Every change on the account: when, by which session or key, from where." actions={<a class="button" href="/keys?tab=sessions">Sessions</a>}>
      <Tabs label="Audit log" value={tab} tabs={[['', 'What was done'], ['addresses', 'Addresses']]} to={(key) => `/audit${key ? `?tab=${key}` : ''}`} />
      {tab === '' ? <Entries /> : <Addresses />}
    </Page>
  );
}
