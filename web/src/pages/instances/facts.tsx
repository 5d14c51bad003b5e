// SPDX-License-Identifier: Apache-2.0
/** All that is known of an instance: of the machine that it has a part of, and of the rental. */
import type { Instance } from '#api';
import { duration, gb, moment, money, network, number, percent, perTb } from '../../lib/format';
import { launchName } from '../../lib/launch';
import { Facts } from '../../ui/parts';
import { nameOf } from '../search/offer';
import { depositSeconds, isReserved } from './reserve';

export function MachineFacts({ one }: { one: Instance }) {
  return (
    <Facts rows={[['GPUs', nameOf(one)], ['GPU memory', `${gb(one.gpu_ram)} each`], ['All its GPUs', gb(one.gpu_totalram)], ['TFLOPS', number(one.total_flops, 1)], ['Memory speed', one.gpu_mem_bw ? `${number(one.gpu_mem_bw)} GB/s` : '–'], ['CUDA', number(one.cuda_max_good, 1)], ['Driver', one.driver_version ?? '–'],
      ['DLPerf', one.dlperf ? `${number(one.dlperf, 1)}, ${number(one.dlperf / one.dph_total, 1)} per $/h` : 'not measured'], ['Main board', one.mobo_name ?? '–'], ['PCIe', one.pcie_bw ? `${number(one.pci_gen, 1)}, ${number(one.pcie_bw, 1)} GB/s` : '–'], ['CPU', one.cpu_name ?? '–'], ['CPU threads', `${number(one.cpu_cores_effective, 1)} of ${number(one.cpu_cores)}`],
      ['RAM', `${number(one.mem_limit, 1)} GB`], ['Disk', `${number(one.disk_space)} GB${one.disk_name ? `, ${one.disk_name}` : ''}`], ['Disk speed', one.disk_bw ? `${number(one.disk_bw)} MB/s` : 'not measured'], ['Volumes', one.volume_info.length === 0 ? 'none' : one.volume_info.map((use) => `V.${use.id} at ${use.path}`).join(', ')], ['Network', network(one.inet_down, one.inet_up)], ['Reliability', percent(one.reliability2, 2)],
      ['Ports', number(one.direct_port_count)], ['Machine', `m:${one.machine_id}`], ['Host', String(one.host_id)], ['Place', one.geolocation ?? '–']]} />
  );
}

const depositFacts = (one: Instance): [string, string][] => {
  const seconds = depositSeconds(one);
  return [['Paid ahead', `${money(one.credit_balance ?? 0)} left, ${percent(one.credit_discount ?? 0, 1)} off`], ['That lasts', seconds === null ? '–' : `${duration(seconds)}${one.intended_status === 'running' ? ' if it runs on' : ', stopped'}`]];
};

export function RentalFacts({ one }: { one: Instance }) {
  return (
    <Facts rows={[['Kind', one.is_bid ? 'Interruptible' : isReserved(one) ? 'Reserved' : 'On demand'], ['While it runs', `${money(one.dph_total, 4)}/h`], ['While it is stopped', `${money(one.storage_total_cost, 4)}/h`],
      ...(isReserved(one) ? depositFacts(one) : []), ['So far', money(one.charged ?? 0, 4)], ['Traffic', `${money(perTb(one.inet_up_cost))} ↑ ${money(perTb(one.inet_down_cost))} ↓ per TB`],
      ['Since', moment(one.start_date)], ['Lifetime left', one.end_date === null ? 'no end' : duration(one.end_date - Date.now() / 1000)],
      ['Template', one.template_hash_id ? <a href={`/templates?show=${one.template_hash_id}`}>{one.template_name}</a> : (one.template_name ?? 'none')], ['Image', one.image_uuid], ['Launched as', <span title={one.image_runtype}>{launchName(one.image_runtype)}</span>], ['At each start', one.onstart ?? 'nothing'], ['Variables', one.extra_env.length === 0 ? 'none' : <code>{one.extra_env.map((pair) => String((pair as unknown[])[0])).join(' ')}</code>],
      ['It is', one.actual_status ?? 'not known yet'], ['It should be', one.intended_status], ['Its host says', one.status_msg || 'nothing']]} />
  );
}
