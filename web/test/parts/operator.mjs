// SPDX-License-Identifier: Apache-2.0
// Who runs the market: the books, the users, the machines, and what waits.
import assert from 'node:assert/strict';
import { shows } from '../columns.mjs';
import { options, PASSWORD, step, WAIT } from '../stage.mjs';

/** The machine that is really there: its host reads why it is away, and how it comes back. */
async function revoke(who, host) {
  const { page } = who;
  await host.go('/machines');
  const [, id] = (await host.page.getByRole('link', { name: /^m:\d+$/ }).first().textContent()).split(':');
  await page.getByRole('button', { name: `Revoke the key of machine ${id}`, exact: true }).click();
  await who.look('revoke-key');
  await who.press('Revoke it');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByText('key revoked', { exact: true }).waitFor(WAIT);
  await host.go('/machines'); // anew: it asks once in a while
  await host.page.getByText('key revoked', { exact: true }).waitFor(WAIT);
  await host.go(`/machines/${id}`);
  await host.page.getByText(/An operator took its key from it/).waitFor(WAIT);
  await host.press('Make a token for it');
  await host.page.getByText(/^On the machine, as root, within/).waitFor(WAIT);
  await host.look('machine-revoked');
}

export async function operate(who, renter, host) {
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
  await page.getByRole('button', { name: /^Deverify machine/ }).first().waitFor();
  await shows(who, 'verification');
  await page.getByRole('button', { name: /^Place of machine/ }).last().click();
  await who.fill('Place', 'Nowhere');
  await who.press('Keep the place');
  await page.getByRole('dialog').getByRole('alert').waitFor();
  who.complaints = who.complaints.filter((text) => !/operator\/place/.test(text)); // it was refused, as it should be
  await who.fill('Place', 'Helsinki, FI');
  await who.press('Keep the place');
  await page.getByRole('region', { name: 'Machines of all hosts' }).getByText('Helsinki, FI').waitFor(WAIT);
  await page.getByRole('button', { name: /^Deverify machine/ }).first().click();
  await who.press('Deverify it');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByText('deverified', { exact: true }).waitFor(WAIT);
  await who.look('operator-machines');
  await page.getByRole('button', { name: /^Verify machine/ }).first().click();
  await who.press('Verify it');
  await page.getByText('deverified', { exact: true }).waitFor({ state: 'detached', ...WAIT });
  await page.getByRole('button', { name: /^Automatic verification of machine/ }).first().click();
  await who.press('Let them decide');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByText(/What is asked of it decides/).waitFor(WAIT);
  await revoke(who, host);
  await who.go('/operator?tab=payouts');
  await who.see('No payout in that state');
  await who.go('/operator?tab=disputes');
  await page.getByRole('region', { name: 'Disputes' }).getByText('fraudulent').waitFor(WAIT);
  await shows(who, 'disputes');
  await who.look('operator-disputes');
  await page.getByRole('button', { name: /^Evidence for dispute/ }).click();
  await page.getByRole('dialog').getByText('31.2 GPU hours').waitFor(WAIT);
  await shows(who, 'evidence');
  await who.fill('What you know of it', 'They wrote to us on 4 November that all was well.');
  await who.look('operator-evidence');
  await who.press('Keep your words');
  await page.getByRole('dialog').getByRole('alert').waitFor(); // this market takes no cards, so that nobody could be told
  who.complaints = who.complaints.filter((text) => !/operator\/evidence/.test(text));
  await page.keyboard.press('Escape');
  await page.getByLabel('State').selectOption('won');
  await who.see('Nobody disputes a payment');
  await who.go('/operator?tab=fraud');
  await page.getByRole('region', { name: 'Proofs to look at' }).getByText('faster than any such GPU').waitFor(WAIT);
  await shows(who, 'fraud');
  await who.look('operator-fraud');
  await who.go('/operator?tab=settings');
  await page.getByRole('region', { name: 'Settings' }).getByText('--payout-min').waitFor(WAIT);
  await page.getByText('No backup of the last two days').waitFor();
  await shows(who, 'server');
  await who.look('operator-settings');
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
