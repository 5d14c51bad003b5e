// SPDX-License-Identifier: Apache-2.0
import { useState } from 'preact/hooks';
import type { Charge } from '#api';
import { call } from '../../lib/api';
import { DAY_S } from '../../lib/days';
import { csv, download } from '../../lib/download';
import { money, moment, plural } from '../../lib/format';
import { setQuery, usePlace } from '../../lib/router';
import { Button, Empty, Loaded, Select, Table, useLoad } from '../../ui/parts';
import { RangeFields, rangeOf, type Range } from '../../ui/range';

const PAGE = 50;
const PAGES_MAX = 40;
export const COMPONENTS: Record<string, string> = { gpu: 'GPUs', disk: 'Disk', bwu: 'Sent', bwd: 'Received' };
const KINDS: [string, string][] = [['', 'Everything'], ...Object.entries(COMPONENTS)];

const partly = (range: Range, kind: string): string => JSON.stringify({
  day: { gte: range.from * DAY_S, lte: (range.until + 1) * DAY_S - 1 }, ...(kind ? { type: { in: [kind] } } : {}) });

async function readPage(range: Range, kind: string, token: string | null, limit: number) {
  return call('GET /api/v0/charges/', { query: { select_filters: partly(range, kind), latest_first: 'true', limit, after_token: token } });
}

/** All pages of them, for a file. */
async function readAll(range: Range, kind: string): Promise<Charge[]> {
  const all: Charge[] = [];
  let token: string | null = null;
  for (let i = 0; i < PAGES_MAX; i++) {
    const page: Awaited<ReturnType<typeof readPage>> = await readPage(range, kind, token, 500);
    all.push(...page.results);
    token = page.next_token;
    if (token === null) break;
  }
  return all;
}

function Row({ charge }: { charge: Charge }) {
  const [isOpen, setOpen] = useState(false);
  const id = Number(/\d+$/.exec(charge.source ?? '')?.[0] ?? 0);
  return (
    <>
      <tr>
        <th scope="row"><button class="open" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>{charge.type === 'volume' ? 'V.' : 'C.'}{id}</button></th>
        <td class="wrap">{charge.description}</td>
        <td>{moment(charge.start)}</td><td>{moment(charge.end)}</td>
        <td class="num">{money(charge.amount, 4)}</td>
      </tr>
      {isOpen && charge.items.map((item) => (
        <tr class="part" key={`${item.type} ${item.description} ${item.start}`}>
          <td>{COMPONENTS[item.type]}</td><td class="wrap">{item.description}</td>
          <td>{moment(item.start)}</td><td>{moment(item.end)}</td><td class="num">{money(item.amount, 6)}</td>
        </tr>
      ))}
    </>
  );
}

export function Charges() {
  const { query } = usePlace();
  const range = rangeOf(query);
  const kind = query.get('kind') ?? '';
  const [more, setMore] = useState<Charge[]>([]);
  const [next, setNext] = useState<string | null | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const first = useLoad(() => { setMore([]); setNext(undefined); return readPage(range, kind, null, PAGE); }, [range.from, range.until, kind]);
  const token = next === undefined ? first.data?.next_token ?? null : next;
  const readMore = async (): Promise<void> => {
    setBusy(true);
    const page = await readPage(range, kind, token, PAGE).finally(() => setBusy(false));
    setMore([...more, ...page.results]);
    setNext(page.next_token);
  };
  const save = async (): Promise<void> => {
    setBusy(true);
    const rows = await readAll(range, kind).finally(() => setBusy(false));
    download('charges.csv', csv([['instance', 'what', 'description', 'start', 'end', 'dollars'],
      ...rows.flatMap((one) => one.items.map((item) => [one.source, item.type, item.description, item.start, item.end, item.amount]))]));
  };
  return (
    <div class="stack">
      <div class="strip">
        <RangeFields range={range} />
        <Select label="Of what" value={kind} options={KINDS} onChange={(value) => setQuery({ kind: value })} />
        <Button icon="down" busy={isBusy} onClick={() => void save()}>Export</Button>
      </div>
      <Loaded from={first} rows={3} height={44}>
        {({ results, total }) => total === 0 ? (
          <Empty icon="list" title="Nothing was charged in these days"><p>Days are UTC. What runs now is on the bill within seconds.</p></Empty>
        ) : (
          <>
            <Table head={['Instance', 'What', 'From', 'To', 'Dollars']} label="Charges">{[...results, ...more].map((one) => <Row key={`${one.source} ${one.start}`} charge={one} />)}</Table>
            {token !== null && <Button busy={isBusy} onClick={() => void readMore()}>Show more</Button>}
            <p class="hint">{plural(total, 'instance')} in these days. Press one to see its GPUs, disk and traffic by price.</p>
          </>
        )}
      </Loaded>
    </div>
  );
}
