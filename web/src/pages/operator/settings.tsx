// SPDX-License-Identifier: Apache-2.0
/** How the server was told to run, the rules that come of it, and when its books were last copied. */
import { call } from '../../lib/api';
import { ago, money, moment, number } from '../../lib/format';
import { useRules } from '../../lib/rules';
import { Card, Chip, Facts, Loaded, Notice, Table, useLoad } from '../../ui/parts';

const OLD_S = 2 * 86400;

export function Settings() {
  const told = useLoad(() => call('GET /api/v0/operator/settings/'));
  const rules = useRules();
  return (
    <Loaded from={told} rows={3} height={60}>
      {({ settings, version, started_at: started, backup_at: backup }) => {
        const isOnPostgres = settings.some((one) => one.name === 'store' && one.value?.startsWith('postgres'));
        return (
          <div class="stack">
            <Card title="Version and backup">
              <div class="stack">
                <Facts rows={[['berthd', version], ['Runs since', moment(started)], ['Books copied', isOnPostgres ? 'by PostgreSQL’s own tools' : backup === null ? 'never' : `${moment(backup)}, ${ago(backup)}`]]} />
                {!isOnPostgres && (backup === null || Date.now() / 1000 - backup > OLD_S) && <Notice kind="warn">No backup of the last two days: <code>berthd backup --data DIR --to DIR</code>, or <code>berthd-backup.timer</code>.</Notice>}
              </div>
            </Card>
            {rules && <Card title="Fees and how long things are kept">
              <Facts rows={[['The market keeps', `${rules.fee_percent} %`], ['Payouts from', money(rules.payout_min)], ['Paid within', `${rules.payout_within_days} days`], ['Credit to start anything', money(rules.credit_rental_min)],
                ['A new account may spend', rules.spend_cap === null ? 'what it has' : `${money(rules.spend_cap)} an hour`], ['Data kept after a lifetime', `${rules.retention_hours} h`], ['Disk of a lost host', rules.storage_when_offline === 'charge' ? `charged for ${rules.disk_offline_hours} h` : 'not charged'],
                ['Given back for downtime', `${rules.downtime_credit_percent} %`], ['Notice of a bid', `${rules.grace_default_s} s`], ['Notice when a host takes back', `${rules.reclaim_hours} h`]]} />
            </Card>}
            <Card title="Settings" actions={<span class="muted small">{number(settings.filter((one) => one.is_given).length)} of {number(settings.length)} are given</span>}>
              <Table label="Settings" head={['Setting', 'Value', 'What it does']}>
                {settings.map((one) => <tr key={one.name}><th scope="row"><code>--{one.name}</code></th><td class="wrap">{one.is_given ? <code>{one.value}</code> : <Chip>default</Chip>}</td><td class="wrap">{one.help}</td></tr>)}
              </Table>
            </Card>
            <p class="hint">They are given on the command line or in the configuration file, and count from the next start.</p>
          </div>
        );
      }}
    </Loaded>
  );
}
