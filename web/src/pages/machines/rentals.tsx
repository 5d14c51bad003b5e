// SPDX-License-Identifier: Apache-2.0
/** Who has what of a machine: a strip of its GPUs, and the contracts on it, live. */
import type { MachineContract, MachineGpu } from '#api';
import { call } from '../../lib/api';
import { duration, gb, moment, money, number, rate } from '../../lib/format';
import { useEvery } from '../../ui/every';
import { Card, Chip, Loaded, Table } from '../../ui/parts';

const CLASSES: Record<MachineContract['class'], string> = { 'on-demand': 'On demand', bid: 'Interruptible', reserved: 'Reserved', idle: 'Your own job', volume: 'Volume' };

const HOT_C = 83; // from where on most cards lower their clocks
const BRAKES: Record<string, string> = { power: 'its power limit', heat: 'heat', supply: 'the power supply', hardware: 'heat or power', setting: 'a setting', others: 'other GPUs' };

function Gpu({ one, contract }: { one: MachineGpu; contract: MachineContract | undefined }) {
  const util = one.gpu_util ?? contract?.gpu_util ?? null;
  const slow = one.slowed_by ?? [];
  return (
    <li class={one.class === null ? 'gpu free' : `gpu ${one.class}`}>
      <b>GPU {one.index}</b><span class="muted small">{one.name ?? 'The machine'}{one.memory_mb !== null && `, ${gb(one.memory_mb)}`}</span>
      <span>{one.class === null ? 'free' : CLASSES[one.class]}{contract && ` · ${one.class === 'idle' ? 'job' : 'C.'}${one.class === 'idle' ? '' : contract.id}`}</span>
      <div class="bar" aria-hidden="true"><i style={{ width: `${util ?? 0}%` }} /></div>
      <span class="muted small">{util === null ? 'use not known' : `${number(util)} % used`}{one.memory_used_mb !== null && `, ${gb(one.memory_used_mb)} of memory`}</span>
      <span class="row small gauges">
        <span class={one.temperature_c !== null && one.temperature_c >= HOT_C ? 'hot' : undefined} title="Temperature">{one.temperature_c === null ? 'temperature –' : `${number(one.temperature_c)} °C`}</span>
        <span title="Power: now, and at most">{one.power_w === null ? '–' : number(one.power_w)} of {one.power_max_w === null ? '–' : number(one.power_max_w)} W</span>
        <span title="Clocks: of its processors, and of its memory">{one.core_mhz === null ? 'clocks –' : `${number(one.core_mhz)} MHz`}{one.memory_mhz !== null && ` · memory ${number(one.memory_mhz)} MHz`}</span>
      </span>
      {slow.length > 0 && <span class="row chips">{slow.map((why) => <Chip kind="warn" key={why}>slowed by {BRAKES[why] ?? why}</Chip>)}</span>}
      {one.gauged_at !== null && <span class="muted small">as of {moment(one.gauged_at)}</span>}
    </li>
  );
}

function Disk({ contracts, total }: { contracts: MachineContract[]; total: number }) {
  const taken = contracts.filter((one) => one.disk_gb > 0);
  return (
    <div class="stack tight">
      <div class="disk" role="img" aria-label={`${number(taken.reduce((sum, one) => sum + one.disk_gb, 0))} of ${number(total)} GB are rented`}>
        {taken.map((one, i) => <i key={one.id} class={`s${i % 4}`} style={{ width: `${(one.disk_gb / Math.max(1, total)) * 100}%` }} title={`${one.id}: ${number(one.disk_gb)} GB`} />)}
      </div>
    </div>
  );
}

export function Rentals({ id, disk }: { id: number; disk: number }) {
  const told = useEvery(() => call('GET /api/v0/machines/{id}/rentals/', { path: { id } }), [id]);
  return (
    <Loaded from={told} rows={2} height={90}>
      {({ gpus, contracts }) => (
        <>
          <Card title="GPUs, one by one">
            <ul class="gpu-strip" aria-label="GPUs of the machine">{gpus.map((one) => <Gpu key={one.index} one={one} contract={contracts.find((contract) => contract.id === one.contract_id)} />)}</ul>
          </Card>
          <Card title="Contracts on it">
            {contracts.length === 0 ? <p class="muted">None: nobody has anything on it.</p> : (
              <div class="stack">
                <Table label="Contracts" head={['Contract', 'Class', 'GPUs', 'State', 'Rate', 'You get', 'Disk', 'Since', 'Ends']}>
                  {contracts.map((one) => (
                    <tr key={one.id}>
                      <th scope="row">{one.class === 'volume' ? 'V.' : 'C.'}{one.id}</th><td>{CLASSES[one.class]}</td><td>{one.num_gpus || '–'}</td>
                      <td><Chip kind={one.runs ? 'good' : 'plain'}>{one.runs ? 'runs' : one.state}</Chip></td>
                      <td>{rate(one.gpu_hour)}<div class="muted small">{money(one.disk_hour, 4)}/h disk</div></td><td>{rate(one.earn_hour)}</td>
                      <td>{one.disk_used_gb === null ? '' : `${number(one.disk_used_gb, 1)} of `}{number(one.disk_gb)} GB</td>
                      <td>{moment(one.start_date)}</td><td>{one.end_date === null ? 'no end' : `in ${duration(one.end_date - Date.now() / 1000)}`}</td>
                    </tr>
                  ))}
                </Table>
                <Disk contracts={contracts} total={disk} />
              </div>
            )}
          </Card>
        </>
      )}
    </Loaded>
  );
}
