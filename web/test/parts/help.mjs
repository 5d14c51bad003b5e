// SPDX-License-Identifier: Apache-2.0
// Help: an answer to every question, with the numbers that this market was started with.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { step } from '../stage.mjs';

/** What people ask most often of such markets, by what it is called in the address. */
const ASKED = ['restart', 'stopped-costs', 'zero', 'notice', 'losing-bid', 'kinds', 'loading', 'traffic', 'ports', 'environment', 'jupyter', 'disk', 'verified',
  'reliability', 'ranking', 'refund', 'slow', 'idle', 'alert', 'ghosts', 'gpu-lost', 'limits', 'secrets', 'read-my-data', 'talk', 'become-host', 'own-rent',
  'min-bid', 'fleet', 'share', 'history', 'avoid', 'fake', 'remove-gpu', 'docker', 'windows', 'lifetime', 'why', 'keys', 'upload', 'start-command', 'what-costs',
  'add-credit', 'reserved', 'dlperf', 'estimate', 'unlist', 'visible', 'volumes', 'cli'];

export async function help(who) {
  const { page } = who;
  await who.go('/help');
  await page.getByText('Will I be warned before an interruption?').waitFor();
  await who.look('help');
  const ids = await page.locator('details.question').evaluateAll((all) => all.map((one) => one.id));
  assert.deepEqual(ASKED.filter((id) => !ids.includes(id)), [], 'every question has its answer');
  assert.equal(new Set(ids).size, ids.length, 'each has an address of its own');
  const rules = await page.evaluate(async () => (await fetch('/api/v0/rules/')).json());
  assert.deepEqual([rules.payout_min, rules.downtime_credit_percent], [12.5, 40]);
  /* What the console reckons with and the server decides is the same. */
  const own = (name) => Number(new RegExp(`const ${name} = (\\d+)`).exec(readFileSync(new URL('../../src/lib/format.ts', import.meta.url), 'utf8'))[1]);
  assert.deepEqual([own('MONTH_HOURS'), own('GB_PER_TB')], [rules.month_hours, rules.gb_per_tb]);
  const answer = async (id) => {
    await who.go(`/help?q=${id}`);
    await page.locator(`details#${id}[open]`).waitFor();
    return page.locator(`details#${id} .prose`).innerText();
  };
  assert.match(await answer('share'), new RegExp(`${100 - rules.fee_percent} % of what.*from \\$12\\.50 on`, 's'));
  assert.match(await answer('reliability'), new RegExp(`without a past has ${rules.reliability_new_percent} %`));
  assert.match(await answer('refund'), /gives back 40 % of its price/);
  assert.match(await answer('notice'), new RegExp(`gets ${rules.grace_default_s} seconds.*up to ${rules.grace_max_s}`, 's'));
  assert.match(await answer('reserved'), new RegExp(rules.reserved.map(({ months, percent }) => `${percent} % less for ${months} months?`).join(', ')));
  assert.match(await answer('zero'), /told 24, 6 and 1 hours ahead/);
  await who.go('/help?find=my+credit+ends');
  await page.locator('details#zero[open]').waitFor();
  await who.look('help-answer');
  await who.go('/help');
  await page.locator('details.question').first().waitFor();
  await page.evaluate(() => document.querySelectorAll('details.question').forEach((one) => { one.open = true; }));
  assert.deepEqual(await who.violations(), [], 'all answers');
  const links = await page.locator('.question a[href^="/"]').evaluateAll((all) => [...new Set(all.map((one) => one.getAttribute('href').split('?')[0]))]);
  for (const link of links.filter((one) => !one.startsWith('/api/'))) {
    await who.go(link);
    await page.locator('h1').first().waitFor();
    assert.equal(await page.getByText('There is no page at this address').count(), 0, link);
  }
  await who.go('/help?find=disk');
  await page.getByText('Can I make the disk larger?').waitFor();
  step(`help answers ${ids.length} questions, with the numbers that this market was started with`);
}
