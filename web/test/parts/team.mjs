// SPDX-License-Identifier: Apache-2.0
// The market for who has no account; teams, and who did what.
import assert from 'node:assert/strict';
import { shows } from '../columns.mjs';
import { mailedCode, step, WAIT } from '../stage.mjs';

export async function market(who) {
  const { page } = who;
  await who.go('/market');
  const table = page.getByRole('region', { name: 'GPUs on the market' });
  await table.getByText('RTX 4090').waitFor(WAIT);
  assert.match(await table.textContent(), /rented, \d+ free/);
  await shows(who, 'market');
  await who.look('market');
  await page.locator('svg.world').scrollIntoViewIfNeeded();
  assert.equal(await page.locator('svg.world circle').count(), 6);
  await page.getByText('Unverified', { exact: true }).click();
  await page.waitForURL(/verified=no/);
  await page.getByText('No GPU of that kind').waitFor();
  await who.press('Estimate');
  await page.locator('form').getByText(/After the market.s 25 % fee|nothing to go by/).first().waitFor();
  step('the market is open to who has no account');
}

export async function found(owner, member) {
  const { page } = owner;
  await owner.go('/team');
  await owner.see('You are in no team');
  await owner.fill('Its name', 'Crew');
  await owner.press('Make the team');
  await owner.see('it is shown once');
  await owner.look('teams');
  await owner.press('I have kept it');
  await owner.press('Act for Crew');
  await owner.see('You act for this team, as its owner.');
  await page.getByRole('region', { name: 'Members' }).getByText(owner.email).waitFor();
  await page.getByRole('link', { name: 'Roles' }).click();
  await owner.press('Make a role');
  await page.getByLabel('Billing / Earning: Read', { exact: true }).check();
  await shows(owner, 'role');
  await owner.look('role');
  await owner.fill('Name', 'Watcher');
  await owner.press('Keep the role');
  await page.getByRole('region', { name: 'Roles' }).getByText('Watcher').waitFor();
  await owner.look('roles');
  await page.getByRole('link', { name: 'Members' }).click();
  await owner.fill('Email', member.email);
  await page.getByLabel('Role').selectOption('Watcher');
  await owner.press('Invite');
  await page.locator('.toasts p').first().waitFor();
  step('a team is made, with a role, and somebody is invited');
}

export async function join(owner, member) {
  const { page } = member;
  await member.go('/team');
  await member.fill('Code from the mail', await mailedCode(member.email));
  await member.press('Join it');
  await member.press('I have kept it');
  await member.press('Act for Crew');
  await member.see('You act for this team, as its Watcher.');
  await member.go('/instances');
  await member.see('You rent nothing yet');
  await owner.go('/team');
  await owner.page.getByRole('button', { name: `Remove ${member.email}` }).waitFor();
  await shows(owner, 'team');
  await owner.look('team');
  await owner.page.getByRole('button', { name: `Remove ${member.email}` }).click();
  await owner.press('Remove them');
  await owner.page.getByText('is no member any more').waitFor();
  await owner.page.getByRole('link', { name: 'End' }).click();
  await owner.press('End the team');
  await owner.press('End it for good');
  await owner.see('You are in no team');
  member.complaints = member.complaints.filter((text) => !/status of 40[13]/.test(text)); // a member of nothing is told so
  await page.evaluate(() => sessionStorage.clear());
  step('somebody joins with the code, acts as their role allows, and is removed; the team is ended');
}

export async function audit(who) {
  const { page } = who;
  await who.go('/audit');
  const log = page.getByRole('region', { name: 'Audit log' });
  await log.getByText('team.create').waitFor();
  await shows(who, 'audit');
  await who.look('audit');
  await page.getByPlaceholder('Find by what was done').fill('team.destroy');
  await log.getByText('team.create').waitFor({ state: 'detached' });
  assert.match(page.url(), /find=team.destroy/);
  await page.getByRole('link', { name: 'Addresses' }).click();
  await page.getByRole('region', { name: 'Addresses' }).getByText('127.0.0.1').waitFor();
  step('what was done is in the audit log, found by a word');
}
