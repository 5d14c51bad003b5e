// SPDX-License-Identifier: Apache-2.0
/** Questions that people have, answered with this market's own numbers: those that the server itself goes by. */
import { useEffect } from 'preact/hooks';
import type { RulesReply } from '#api';
import { setQuery, usePlace } from '../lib/router';
import { useRules } from '../lib/rules';
import { Empty, Page, Skeleton } from '../ui/parts';
import { charges, hosting, trust } from './help/money';
import { renting } from './help/renting';

export interface Answer {
  id: string; // in the address, and the same for ever
  q: string;
  a: (rules: RulesReply) => preact.JSX.Element;
}

const GROUPS: [string, Answer[]][] = [['Renting', renting], ['Money', charges], ['Trust', trust], ['Hosting', hosting]];

function Question({ one, rules, isOpen }: { one: Answer; rules: RulesReply; isOpen: boolean }) {
  return (
    <details class="question" id={one.id} open={isOpen}>
      <summary>{one.q}</summary>
      <div class="prose">{one.a(rules)}<p class="small"><a href={`/help?q=${one.id}`} aria-label={`Link to: ${one.q}`}>Link to this answer</a></p></div>
    </details>
  );
}

export function HelpPage(_: { id: number }) {
  const { query } = usePlace();
  const rules = useRules();
  const chosen = query.get('q');
  const text = (query.get('find') ?? '').toLowerCase();
  const about = query.get('about'); // one group alone
  const found = GROUPS.filter(([name]) => !about || name.toLowerCase() === about).map(([name, list]): [string, Answer[]] => [name, list.filter((one) => one.q.toLowerCase().includes(text) || one.id.includes(text))]).filter(([, list]) => list.length > 0);

  useEffect(() => { if (chosen && rules) document.getElementById(chosen)?.scrollIntoView({ block: 'center' }); }, [chosen, rules]);
  return (
    <Page title="Help" lead="How this market works. The numbers are those that it goes by.">
      <div class="strip"><div class="field grow"><label class="sr" for="find">Find a question</label>
        <input id="find" type="search" data-find placeholder="Find a question" value={query.get('find') ?? ''} onInput={(event) => setQuery({ find: event.currentTarget.value, q: null })} /></div></div>
      {!rules ? <Skeleton rows={6} height={44} /> : found.length === 0 ? <Empty icon="help" title="No question with these words" /> : (
        <div class="help">
          {found.map(([name, list]) => (
            <section key={name}><h2>{name}</h2>
              {list.map((one) => <Question key={one.id} one={one} rules={rules} isOpen={one.id === chosen || (text !== '' && list.length < 4)} />)}
            </section>
          ))}
        </div>
      )}
      <p class="hint">berthd {rules?.version}. Every command explains itself: <code>berth help</code>.</p>
    </Page>
  );
}
