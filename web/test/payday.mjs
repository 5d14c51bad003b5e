// SPDX-License-Identifier: Apache-2.0
// A host that was paid on a Friday sees when: test/console/payday_test.py lets the week pass, and says what the API tells.
import assert from 'node:assert/strict';
import { options, PASSWORD, Person, run, step, WAIT } from './stage.mjs';

const host = await Person.come('hal@berth.test');
const { page } = host;
const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);

async function history() {
  const { cut, paid_at: paid, amount } = options.paid;
  await host.go(`/login?to=${encodeURIComponent(`/earnings?from=${day(cut - 7 * 86400)}&until=${day(cut)}`)}`);
  await host.fill('Email', host.email);
  await host.fill('Password', PASSWORD);
  await host.press('Log in');
  const table = page.getByRole('region', { name: 'Payout history' }).getByRole('table');
  await table.getByText('paid', { exact: true }).waitFor(WAIT);
  const head = await table.getByRole('columnheader').allTextContents();
  const cells = await table.locator('tbody tr').first().locator('th, td').allTextContents();
  const shown = (name) => cells[head.indexOf(name)];
  const dates = await page.evaluate((all) => all.map((seconds) =>
    new Date(seconds * 1000).toLocaleDateString('en-GB', { year: 'numeric', month: 'short', day: 'numeric' })), [cut, paid]);
  assert.deepEqual([shown('Invoice date'), shown('Paid date')], dates);
  assert.notEqual(dates[0], dates[1]);
  assert.deepEqual([shown('Service'), shown('Dollars')], ['stripe', `$${amount.toFixed(2)}`]);
  await host.look('payday');
  const [file] = await Promise.all([page.waitForEvent('download'), host.press('CSV')]);
  assert.equal(file.suggestedFilename(), 'payouts.csv');
  step('a host sees the Friday that it was invoiced for, and the day on which it was paid');
}

await run([history]);
