// SPDX-License-Identifier: Apache-2.0
/** A host's own job: what runs while nobody rents. It is the floor of all bids, too. */
import { useState } from 'preact/hooks';
import type { Machine } from '#api';
import { call } from '../../lib/api';
import { plural, rate } from '../../lib/format';
import { setQuery, usePlace } from '../../lib/router';
import { Button, Card, Check, Empty, Facts, Field, Loaded, Notice, Page, toast, useAct, useLoad } from '../../ui/parts';
import { useEvery } from '../../ui/every';

interface Draft { image: string; command: string; env: string; price: string; gpus: string }

const words = (text: string): string[] => text.match(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g)?.map((word) => word.replace(/["']/g, '')) ?? [];

function JobForm({ draft, change, machines }: { draft: Draft; change: (part: Partial<Draft>) => void; machines: Machine[] }) {
  const lowest = Math.min(...machines.map((one) => one.listed_gpu_cost ?? Infinity));
  const most = Math.min(...machines.map((one) => one.num_gpus));
  return (
    <>
      <div class="two">
        <Field label="Image" value={draft.image} required spellcheck={false} onInput={(event) => change({ image: event.currentTarget.value.trim() })} />
        <Field label="Command" value={draft.command} spellcheck={false} hint="‘bash’ ends at once and uses nothing: a job that only sets the floor." onInput={(event) => change({ command: event.currentTarget.value })} />
      </div>
      <Field label="Variables" value={draft.env} spellcheck={false} placeholder="-e POOL=example.org -e WALLET=abc" onInput={(event) => change({ env: event.currentTarget.value })} />
      <Field label="Price of a GPU" unit="$/h" type="number" min={0.001} step={0.001} required value={draft.price}
        hint={`This also sets your lowest bid: renters’ bids start above it.${Number.isFinite(lowest) ? ` It must be below your price on demand, ${rate(lowest)}.` : ''}`}
        onInput={(event) => change({ price: event.currentTarget.value })} />
      <Field label="GPUs at most" type="number" min={1} max={Number.isFinite(most) ? most : undefined} step={1} value={draft.gpus} placeholder="all that nobody rents"
        hint={`Of each machine${Number.isFinite(most) ? `, up to ${most}` : ''}. The job makes way last: first a renter gets GPUs that do nothing. The floor of bids is for all of them.`}
        onInput={(event) => change({ gpus: event.currentTarget.value })} />
    </>
  );
}

export function JobCard({ one, onDone }: { one: Machine; onDone: () => void }) {
  const job = useLoad(() => call('GET /api/v0/machines/{id}/defjob/', { path: { id: one.id } }));
  const now = useEvery(() => call('GET /api/v0/machines/{id}/rentals/', { path: { id: one.id } }), [one.id]);
  const { busy, error, act } = useAct();
  const remove = (): void => act(async () => {
    const { msg } = await call('DELETE /api/v0/machines/{id}/defjob/', { path: { id: one.id } });
    toast(msg);
    job.reload();
    onDone();
  });
  return (
    <Card title="Your own job" actions={<a class="button" href={`/create-job?machine=${one.id}`}>{job.data?.image ? 'Change it' : 'Create Job'}</a>}>
      <Loaded from={job} rows={1} height={40}>
        {(told) => told.image === null ? <p class="muted">None: GPUs that nobody rents do nothing, and bids start at your lowest bid.</p> : (
          <div class="stack">
            <Facts rows={[['Image', <code>{told.image}</code>], ['Command', told.args.length > 0 ? <code>{told.args.join(' ')}</code> : 'the image’s own'],
              ['Variables', told.env.length > 0 ? <code>{told.env.map((pair) => (pair as string[]).join('=')).join(' ')}</code> : 'none'],
              ['Price, and floor of bids', rate(told.price_gpu ?? 0)], ['GPUs at most', told.gpus === null ? 'all that nobody rents' : `${told.gpus} of ${one.num_gpus}`], ['Free GPUs', `${one.gpu_occupancy.split('x').length - 1} of ${one.num_gpus}`],
              ['It runs on', now.data ? `${now.data.gpus.filter((gpu) => gpu.class === 'idle').length} of them now` : '…']]} />
            {error && <Notice kind="bad">{error}</Notice>}
            <div><Button kind="danger" icon="trash" busy={busy} onClick={remove}>Remove the job</Button></div>
            <p class="hint">It runs free of charge and of fee, and makes way for any renter at once.</p>
          </div>
        )}
      </Loaded>
    </Card>
  );
}

export function CreateJobPage(_: { id: number }) {
  const { query } = usePlace();
  const list = useLoad(() => call('GET /api/v0/machines/'));
  const [draft, setDraft] = useState<Draft>({ image: 'ubuntu', command: 'bash', env: '', price: '', gpus: '' });
  const { busy, error, act } = useAct();
  const chosen = new Set((query.get('machine') ?? '').split(',').filter(Boolean).map(Number));
  const choose = (id: number, on: boolean): void => {
    if (on) chosen.add(id);
    else chosen.delete(id);
    setQuery({ machine: [...chosen].join(',') });
  };
  const save = (): void => act(async () => {
    for (const id of chosen) {
      const { msg } = await call('PUT /api/v0/machines/create_bids/', { body: { machine: id, price_gpu: Number(draft.price), image: draft.image, args: words(draft.command), env: draft.env || null, gpus: draft.gpus ? Number(draft.gpus) : null } });
      toast(msg, 'good', [`/machines/${id}`, `Machine ${id}`]);
    }
  });
  return (
    <Page title="Create Job" lead="What your GPUs do while nobody rents them. It also sets your minimum bid.">
      <Loaded from={list} rows={2}>
        {({ machines }) => machines.length === 0 ? <Empty icon="host" title="You lend nothing yet"><a class="button primary" href="/setup">Add a machine</a></Empty> : (
          <Card>
            <form class="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
              <fieldset><legend><h3>On which machines</h3></legend>
                {machines.map((one) => <Check key={one.id} label={`m:${one.id} ${one.hostname ?? ''}`} checked={chosen.has(one.id)} onChange={(on) => choose(one.id, on)}
                  hint={one.bid_image ? `It runs ${one.bid_image}${one.bid_gpus ? ` on ${plural(one.bid_gpus, 'GPU')}` : ''} at ${rate(one.bid_gpu_cost ?? 0)} now.` : undefined} />)}
              </fieldset>
              <p class="hint">It takes GPUs that nobody rents, all of them unless you say how many, and makes way for who does, at once.</p>
              <JobForm draft={draft} change={(part) => setDraft({ ...draft, ...part })} machines={machines.filter((one) => chosen.has(one.id))} />
              {error && <Notice kind="bad">{error}</Notice>}
              <div><Button kind="primary" type="submit" busy={busy} disabled={chosen.size === 0}>Create Job</Button></div>
            </form>
          </Card>
        )}
      </Loaded>
    </Page>
  );
}
