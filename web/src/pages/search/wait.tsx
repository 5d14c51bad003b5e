// SPDX-License-Identifier: Apache-2.0
/** A search that goes on while nobody looks: for its first find, to rent it or to tell of it. */
import { useState } from 'preact/hooks';
import { call } from '../../lib/api';
import { avoided } from '../../lib/avoid';
import { filterCount, isBid, searchOf, wordsOf } from '../../lib/query';
import { session } from '../../lib/session';
import { useStore } from '../../lib/store';
import { young } from '../../lib/young';
import { Button, Dialog, Field, Notice, Segments, toast, useAct } from '../../ui/parts';

const DAYS = '30';

export function WaitDialog({ query, disk, onClose }: { query: URLSearchParams; disk: number; onClose: () => void }) {
  const { state } = useStore(session);
  const [how, setHow] = useState('tell');
  const [image, setImage] = useState(localStorage.getItem('berth-image') ?? 'ubuntu:22.04');
  const [days, setDays] = useState(DAYS);
  const [label, setLabel] = useState('');
  const { busy, error, act } = useAct();
  const asked = searchOf(query, young.get() === true, {}, avoided.get());
  const save = (): void => act(async () => {
    const launch = how === 'rent' ? { image, disk, runtype: 'ssh ssh_direc ssh_proxy' } : null;
    const { order } = await call('POST /api/v0/orders/', { body: { query: asked, launch, days: Number(days), label: label || null } });
    toast(`Order ${order.id} waits.`, 'good', ['/orders', 'Standing orders']);
    onClose();
  });
  return (
    <Dialog title="Wait for it" onClose={onClose}>
      {state !== 'in' ? <p>To wait for an offer you need an account. <a href="/signup">Sign up</a> or <a href="/login">log in</a>.</p> : (
        <form class="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
          <p>The first offer that fits: <strong>{wordsOf(asked)}</strong>.</p>
          {filterCount(query) === 0 && <Notice kind="warn">No filter is set: any offer fits. Set what you want first.</Notice>}
          <Segments label="Once it is found" value={how} onChange={setHow} options={isBid(query) ? [['tell', 'Tell me by mail']] : [['tell', 'Tell me by mail'], ['rent', 'Rent it and start']]} />
          {how === 'rent' && <Field label="Image" value={image} required spellcheck={false} hint={`With a disk of ${disk} GB, at the price that it has then.`} onInput={(event) => setImage(event.currentTarget.value.trim())} />}
          <div class="two">
            <Field label="Wait for at most" unit="days" type="number" min={1} max={365} step={1} required value={days} onInput={(event) => setDays(event.currentTarget.value)} />
            <Field label="Name" value={label} maxLength={1024} onInput={(event) => setLabel(event.currentTarget.value)} />
          </div>
          <p class="hint">Waiting costs nothing. It fires once.</p>
          {error && <Notice kind="bad">{error}</Notice>}
          <Button kind="primary" type="submit" busy={busy}>Wait for it</Button>
        </form>
      )}
    </Dialog>
  );
}
