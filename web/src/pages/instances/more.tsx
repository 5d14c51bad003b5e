// SPDX-License-Identifier: Apache-2.0
/** What is done to an instance more seldom: its label, its files elsewhere, its image anew, a word about its machine. */
import { useState } from 'preact/hooks';
import type { Instance } from '#api';
import { call } from '../../lib/api';
import { avoid } from '../../lib/avoid';
import { day, moment, number } from '../../lib/format';
import { live } from '../../lib/live';
import { useStore } from '../../lib/store';
import { Icon, type IconName } from '../../ui/icons';
import { Area, Button, Check, Copy, Dialog, Field, Notice, Select, toast, useAct, useLoad } from '../../ui/parts';
import { KeysDialog } from './keys';
import { CloudDialog } from './cloud';
import { MoveDialog, RescueDialog } from './move';
import { ReserveDialog } from './reserve';

type Props = { one: Instance; onClose: () => void };

function LabelDialog({ one, onClose }: Props) {
  const [label, setLabel] = useState(one.label ?? '');
  const { busy, error, act } = useAct();
  const save = (): void => act(async () => {
    await call('PUT /api/v0/instances/{id}/', { path: { id: one.id }, body: { label } });
    onClose();
  });
  return (
    <Dialog title={`Label of instance ${one.id}`} onClose={onClose}>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); save(); }}>
        <Field label="Label" value={label} maxLength={1024} autoFocus onInput={(event) => setLabel(event.currentTarget.value)} />
        {error && <Notice kind="bad">{error}</Notice>}
        <Button kind="primary" type="submit" busy={busy}>Keep it</Button>
      </form>
    </Dialog>
  );
}

function RecycleDialog({ one, onClose }: Props) {
  const { busy, error, act } = useAct();
  const recycle = (): void => act(async () => {
    await call('PUT /api/v0/instances/recycle/{id}/', { path: { id: one.id } });
    toast('It is made anew from its image.');
    onClose();
  });
  return (
    <Dialog title={`Recycle instance ${one.id}?`} onClose={onClose}>
      <p>Its image is pulled again, and its container is made from it anew: <strong>all files that are not on a volume are deleted for good.</strong> Its GPUs, price and disk stay.</p>
      {error && <Notice kind="bad">{error}</Notice>}
      <div class="row"><Button kind="danger" busy={busy} onClick={recycle}>Recycle it</Button><Button onClick={onClose}>Leave it as it is</Button></div>
    </Dialog>
  );
}

/** Larger while it runs, and never smaller: what that costs is said before. */
function GrowDialog({ one, onClose }: Props) {
  const [size, setSize] = useState(String(Math.ceil(one.disk_space) + 10));
  const { busy, error, act } = useAct();
  const hour = one.disk_space > 0 ? (one.storage_total_cost / one.disk_space) * Number(size) : 0;
  const grow = (): void => act(async () => {
    const done = await call('PUT /api/v0/instances/{id}/', { path: { id: one.id }, body: { disk: Number(size) } });
    toast(done.msg ?? `Its disk has ${size} GB.`);
    onClose();
  });
  return (
    <Dialog title={`Grow the disk of instance ${one.id}`} onClose={onClose}>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); grow(); }}>
        <p>It has {number(one.disk_space)} GB{one.disk_usage >= 0 && `, of which ${number(one.disk_usage, 1)} GB are used`}. It need not stop for this. A disk never shrinks.</p>
        <Field label="Disk" unit="GB" type="number" min={Math.ceil(one.disk_space)} step={1} required value={size} onInput={(event) => setSize(event.currentTarget.value)}
          hint={`${day(hour)} from now on, rather than ${day(one.storage_total_cost)}; stopped, too.`} />
        {error && <Notice kind="bad">{error}</Notice>}
        <Button kind="primary" type="submit" busy={busy} disabled={Number(size) <= one.disk_space}>Grow it</Button>
      </form>
    </Dialog>
  );
}

const PROBLEMS: [string, string][] = [['gpu', 'GPU'], ['network', 'Network'], ['disk', 'Disk'], ['speed', 'Slower than it said'], ['other', 'Something else']];

function ReportDialog({ one, onClose }: Props) {
  const [problem, setProblem] = useState('gpu');
  const [message, setMessage] = useState('');
  const [isAvoided, setAvoided] = useState(false);
  const own = useLoad(async () => (await call('GET /api/v0/machines/reports/')).filter((report) => report.machine_id === one.machine_id));
  const { busy, error, act } = useAct();
  const send = (): void => act(async () => {
    const { msg } = await call('POST /api/v0/machines/reports/', { body: { machine_id: one.machine_id, problem, message } });
    if (isAvoided) avoid(one.machine_id, true);
    toast(msg);
    onClose();
  });
  return (
    <Dialog title={`Report machine ${one.machine_id}`} onClose={onClose}>
      <form class="stack" onSubmit={(event) => { event.preventDefault(); send(); }}>
        <p>Its host reads it, and it counts among the machine's reports. Once a day for each machine.</p>
        {own.data && own.data.length > 0 && (
          <ol class="events" aria-label="What you have reported">
            {own.data.map((report) => <li key={report.id}><span class="muted">{moment(report.created_at)}</span><span><b>{report.problem}</b> {report.message}{report.reply && <><br />Its host: {report.reply}</>}</span></li>)}
          </ol>
        )}
        <Select label="What is wrong" value={problem} options={PROBLEMS} onChange={setProblem} />
        <Area label="In your words" value={message} rows={4} required onInput={setMessage} />
        <Check label="Leave it out of my searches" checked={isAvoided} onChange={setAvoided} hint="In this browser, until you take that back among the filters." />
        {error && <Notice kind="bad">{error}</Notice>}
        <Button kind="primary" type="submit" busy={busy}>Send it</Button>
      </form>
    </Dialog>
  );
}

function CopyDialog({ one, onClose }: Props) {
  const { instances } = useStore(live);
  const others = [...(instances?.values() ?? [])].filter(({ id }) => id !== one.id);
  const [to, setTo] = useState(String(others[0]?.id ?? ''));
  const [from, setFrom] = useState('/root/');
  const [into, setInto] = useState('/root/');
  const { busy, error, act } = useAct();
  const copy = (): void => act(async () => {
    const done = await call('PUT /api/v0/commands/copy_direct/', { body: { src_id: one.id, src_path: from, dst_id: Number(to), dst_path: into } });
    toast(done.msg ?? 'The copy has begun.');
    onClose();
  });
  return (
    <Dialog title={`Copy from instance ${one.id}`} onClose={onClose}>
      {others.length > 0 ? (
        <form class="stack" onSubmit={(event) => { event.preventDefault(); copy(); }}>
          <Select label="To instance" value={to} options={others.map((other) => [String(other.id), `C.${other.id} ${other.label ?? ''}`])} onChange={setTo} />
          <div class="two">
            <Field label="What" value={from} required onInput={(event) => setFrom(event.currentTarget.value)} />
            <Field label="Into" value={into} required onInput={(event) => setInto(event.currentTarget.value)} />
          </div>
          {error && <Notice kind="bad">{error}</Notice>}
          <Button kind="primary" type="submit" busy={busy}>Copy it</Button>
        </form>
      ) : <p>With a second instance its files could be copied there from here, also from a stopped one.</p>}
      {one.ssh_host !== null && <><p class="hint">To your own machine:</p><Copy text={`scp -P ${one.ssh_port} -r root@${one.ssh_host}:${from} .`} label="Copy to your machine" /></>}
    </Dialog>
  );
}

const DIALOGS = { label: LabelDialog, grow: GrowDialog, recycle: RecycleDialog, report: ReportDialog, copy: CopyDialog, cloud: CloudDialog, keys: KeysDialog, move: MoveDialog, rescue: RescueDialog, reserve: ReserveDialog };
type Kind = keyof typeof DIALOGS;

/** In groups, as one looks for them: its files; its log, name and host; its keys. */
export function MoreActions({ one }: { one: Instance }) {
  const [shown, setShown] = useState<Kind | null>(null);
  const Shown = shown ? DIALOGS[shown] : null;
  const runs = one.actual_status === 'running';
  const button = (kind: Kind, icon: IconName, text: string, label: string) =>
    <Button kind="quiet" icon={icon} aria-label={label} onClick={() => setShown(kind)}>{text}</Button>;
  return (
    <>
      <div class="more">
      <span class="group" role="group" aria-label="Its files">
        {button('copy', 'move', 'Copy', `Copy from instance ${one.id}`)}
        {button('cloud', 'cloud', 'Cloud', `Cloud copy of instance ${one.id}`)}
        {button('move', 'host', 'Move', `Move instance ${one.id}`)}
        {!runs && button('rescue', 'down', 'Rescue', `Rescue the files of instance ${one.id}`)}
        {button('grow', 'disk', 'Grow', `Grow the disk of instance ${one.id}`)}
        {button('recycle', 'recycle', 'Recycle', `Recycle instance ${one.id}`)}
      </span>
      <span class="group" role="group" aria-label="About it">
        <a class="button quiet" href={`/instances/${one.id}?tab=log`}><Icon name="log" />Log</a>
        {!one.is_bid && one.credit_discount_max !== 0 && button('reserve', 'coins', 'Reserve', `Pay ahead for instance ${one.id}`)}
        {button('label', 'tag', 'Label', `Label instance ${one.id}`)}
        {button('report', 'flag', 'Report', `Report machine ${one.machine_id}`)}
      </span>
      <span class="group" role="group" aria-label="Ways in">
        {one.jupyter_url && runs && <a class="button quiet" href={one.jupyter_url} target="_blank" rel="noreferrer" aria-label={`Jupyter of instance ${one.id}`}><Icon name="link" />Jupyter</a>}
        {runs && <a class="button quiet" href={`/instances/${one.id}?tab=connect`} aria-label={`Terminal of instance ${one.id}`}><Icon name="terminal" />Terminal</a>}
        {button('keys', 'key', 'Keys', `Keys of instance ${one.id}`)}
      </span>
      </div>
      {Shown && <Shown one={one} onClose={() => setShown(null)} />}
    </>
  );
}
