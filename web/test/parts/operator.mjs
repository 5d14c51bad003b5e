// SPDX-License-Identifier: Apache-2.0
// Who runs the market: the books, the users, the machines, and what waits.
import assert from 'node:assert/strict';
import { shows } from '../columns.mjs';
import { options, PASSWORD, step, WAIT } from '../stage.mjs';

export async function operate(who, renter) {
  const { page } = who;
  await who.go('/login?to=%2Foperator');
  await who.fill('Email', who.email);
  await who.fill('Password', PASSWORD);
  await who.press('Log in');
  await page.waitForURL(/\/operator$/);
  await who.see('The books are balanced');
  await page.getByRole('region', { name: 'Trial balance' }).waitFor();
  await shows(who, 'operator');
  await who.look('operator');
  await who.go('/operator?tab=users');
  await page.getByPlaceholder('Find by email').fill(renter.email);
  await page.getByRole('button', { name: `Credit for ${renter.email}` }).click();
  await who.fill('How much', '2.50');
  await who.fill('Reason', 'a test of the console');
  await who.press('Give it');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByText('It is on the account').waitFor(WAIT);
  await page.getByPlaceholder('Find by email').fill('');
  await who.look('operator-users');
  await who.go('/operator?tab=machines');
  await page.getByRole('button', { name: /^Deverify machine/ }).first().click();
  await who.press('Deverify it');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByText('deverified', { exact: true }).waitFor(WAIT);
  await who.look('operator-machines');
  await page.getByRole('button', { name: /^Verify machine/ }).first().click();
  await who.press('Verify it');
  await page.getByText('deverified', { exact: true }).waitFor({ state: 'detached', ...WAIT });
  await who.go('/operator?tab=payouts');
  await who.see('No payout in that state');
  await who.go('/operator?tab=health');
  await page.getByRole('region', { name: 'Figures of the server' }).getByText('uptime_seconds').waitFor(WAIT);
  await who.look('operator-health');
  step('the operator sees the books, gives credit, verifies, and sees what waits');
}

export async function nobodyElse(who) {
  await who.go('/operator');
  await who.see('This is for who runs the market');
  const status = await who.page.evaluate(async () => (await fetch('/api/v0/operator/ledger/')).status);
  assert.equal(status, 403);
  who.complaints = who.complaints.filter((text) => !text.includes(`${options.url}/api/v0/operator/ledger/`));
}
