// SPDX-License-Identifier: Apache-2.0
/** What stands on the bills: whose they are, and where that is. */
import { useState } from 'preact/hooks';
import { call } from '../../lib/api';
import { refreshUser, session } from '../../lib/session';
import { useStore } from '../../lib/store';
import { Button, Card, Field, Notice, toast, useAct } from '../../ui/parts';

const PARTS = ['line1', 'line2', 'zip', 'city', 'country', 'taxinfo'] as const;
type Part = (typeof PARTS)[number];
const NAMES: Record<Part, string> = { line1: 'Name or company', line2: 'Street', zip: 'Postal code', city: 'City', country: 'Country', taxinfo: 'Tax number' };

export function InvoiceDetails() {
  const { user } = useStore(session);
  const [draft, setDraft] = useState<Record<Part, string>>(() => Object.fromEntries(PARTS.map((part) => [part, user?.[`billaddress_${part}`] ?? ''])) as Record<Part, string>);
  const { busy, error, act } = useAct();
  const save = (): void => act(async () => {
    await call('PUT /api/v0/users/', { body: Object.fromEntries(PARTS.map((part) => [`billaddress_${part}`, draft[part]])) });
    await refreshUser();
    toast('The next bill says so.');
  });
  return (
    <Card title="Invoice details">
      <form class="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
        <div class="two">
          {PARTS.map((part) => <Field key={part} label={NAMES[part]} value={draft[part]} maxLength={256} onInput={(event) => setDraft({ ...draft, [part]: event.currentTarget.value })} />)}
        </div>
        {error && <Notice kind="bad">{error}</Notice>}
        <div><Button type="submit" busy={busy}>Save the details</Button></div>
      </form>
    </Card>
  );
}
