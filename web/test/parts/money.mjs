// SPDX-License-Identifier: Apache-2.0
// Billing while something is rented, and templates.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { shows } from '../columns.mjs';
import { pause, settled, step, WAIT } from '../stage.mjs';
import { buy } from './renter.mjs';

const LIVE_MS = 6000;

const shown = async (who) => Number((await who.page.locator('[data-live=credit]').textContent()).replace(/[$,]/g, ''));

async function saved(who, name) {
  const [file] = await Promise.all([who.page.waitForEvent('download'), who.press(name)]);
  return readFileSync(await file.path(), 'utf8');
}

export async function billing(who) {
  const { page } = who;
  await who.go('/billing');
  await page.getByRole('region', { name: 'What is being spent' }).waitFor();
  const before = await shown(who);
  for (let ms = 0; (await shown(who)) >= before; ms += 100) {
    assert.ok(ms < LIVE_MS, 'the balance moves every few seconds while something runs');
    await pause(100);
  }
  await shows(who, 'billing');
  await who.look('billing');
  await page.getByLabel('Warn me by mail at an amount').check();
  await who.fill('When it comes down to', '3.50');
  await who.press('Save');
  await page.getByText('Saved.').waitFor();
  await page.reload();
  await page.getByLabel('Warn me by mail at an amount').waitFor();
  assert.equal(await page.getByLabel('When it comes down to').inputValue(), '3.5');
  await who.press('Add credit');
  await page.getByLabel('Reference of the payment').getByText(who.email).waitFor();
  assert.deepEqual(await who.violations(), [], 'adding credit');
  await page.keyboard.press('Escape');
  await who.press('Transfer credit');
  await who.fill('To whom', 'nobody@berth.test');
  await who.fill('How much', '1.00');
  await who.press('Give $1.00 away');
  await page.getByRole('dialog').getByRole('alert').waitFor();
  await page.keyboard.press('Escape');
  who.complaints = who.complaints.filter((text) => !/transfer_credit/.test(text)); // the browser says so of each refusal

  await who.go('/billing?tab=charges');
  await page.getByRole('button', { name: /^C\.\d+$/ }).first().click();
  await page.locator('tr.part').first().waitFor();
  assert.match(await page.locator('tr.part').first().textContent(), /hours (at|of)/);
  await shows(who, 'charges');
  await who.look('charges');
  assert.match(await saved(who, 'Export'), /^instance,what,description,start,end,dollars\r\ninstance-\d+,/);
  await who.go('/billing?tab=charges&kind=bwu');
  await page.getByLabel('Of what').waitFor();
  assert.equal(await page.getByLabel('Of what').inputValue(), 'bwu');
  await who.go('/billing?tab=payments');
  await page.getByRole('region', { name: 'Payments' }).getByText('$25.00').waitFor();
  await who.look('payments');
  await who.go('/billing?tab=statements');
  await shows(who, 'statements');
  await who.look('statements');
  assert.match(await saved(who, 'Download it'), /round/i);
  await who.go('/billing');
  await who.fill('Name or company', 'Renter AB');
  await who.fill('Tax number', 'SE556677');
  await who.press('Save the details');
  await page.getByText('The next bill says so.').waitFor();
  await who.go('/billing?tab=statements');
  const bill = await saved(who, 'As a page to print');
  assert.match(bill, /Renter AB/);
  assert.match(bill, /SE556677/);
  step('the balance moves; charges, payments and statements are there, and can be saved');
}

/** Months ahead, by bought credit alone: the price falls at once, and what is left comes back when it is destroyed. */
export async function reserve(who) {
  const { page } = who;
  const dialog = page.getByRole('dialog');
  await who.go('/instances');
  const before = await page.getByRole('button', { name: /what instance \d+ costs/ }).textContent();
  await page.getByRole('button', { name: /^Pay ahead for instance/ }).click();
  await dialog.getByText('3 months', { exact: true }).click();
  await dialog.getByText('save 30 %').waitFor();
  await dialog.getByText('1 month', { exact: true }).click();
  assert.ok(await dialog.getByLabel('1 month ahead').isChecked());
  await shows(who, 'reserve');
  await who.look('reserve');
  await who.press(dialog.getByRole('button', { name: /^Pay \$[\d.,]+ ahead$/ }));
  await dialog.getByRole('alert').getByText('bought credit').waitFor();
  who.complaints = who.complaints.filter((text) => !/prepay/.test(text)); // it was refused, as it should be
  buy(who.email, '2000.00', 'W1');
  await who.press(dialog.getByRole('button', { name: /^Pay \$[\d.,]+ ahead$/ }));
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('Saved 20 %').waitFor(WAIT);
  await page.getByText(/paid ahead, for (29 d|1 mo)/).waitFor(WAIT);
  const now = await page.getByRole('button', { name: /what instance \d+ costs/ }).textContent();
  const dollars = (text) => Number(/[\d.]+/.exec(text)[0]);
  assert.ok(Math.abs(dollars(now) / dollars(before) - 0.8) < 0.002, `${before}, then ${now}`);
  await page.getByRole('button', { name: /^Pay ahead for instance/ }).click();
  await dialog.getByText('Comes back if you destroy it now').waitFor();
  assert.equal(await dialog.getByLabel('1 month ahead').count(), 0, 'that is covered');
  await who.look('reserved-instance');
  await dialog.getByText('Other', { exact: true }).click();
  await dialog.getByLabel('How much').fill('1');
  await page.keyboard.press('Escape');
  await who.press('Destroy');
  await dialog.getByText(/comes back/).waitFor();
  await who.look('destroy-reserved');
  await page.keyboard.press('Escape');
  await who.go('/billing');
  await page.getByText(/for 1 instance$/).waitFor();
  await who.go('/billing?tab=payments&kind=reserved');
  await page.getByRole('region', { name: 'Payments' }).getByText('Paid ahead').first().waitFor();
  step('an instance is paid for a month ahead, costs a fifth less, and says what is left and what comes back');
}

export async function templates(who) {
  const { page } = who;
  await who.go('/templates');
  await who.press('New template');
  await who.fill('Name', 'Notebook');
  await who.fill('Image', 'debian:12');
  await who.fill('In one line', 'Debian, to try things in');
  await who.fill('Variables and ports', '-e GREETING="good day" -p 8080:8080');
  const table = page.getByRole('region', { name: 'Variables and ports' });
  await table.getByText('good day').waitFor();
  await table.getByText('8080:8080').waitFor();
  await page.getByLabel(/^More: disk, registry/).check();
  await shows(who, 'editor');
  await who.fill('Memory of a GPU', '16');
  assert.equal(await page.getByLabel('As a query object').inputValue(), '{"gpu_ram":{"gte":16000}}');
  await page.getByLabel('New volume').fill('25');
  await who.fill('Mounted at', '/sets');
  await who.look('template');
  await page.getByText('ReadMe', { exact: true }).click();
  await page.getByLabel('For its readers').fill('It greets.');
  await who.press('Save');
  await page.getByRole('heading', { name: 'Notebook' }).waitFor();
  await shows(who, 'templates');
  await who.look('templates');
  await page.getByRole('button', { name: 'Read me of Notebook' }).click();
  await page.getByLabel('Read me', { exact: true }).getByText('It greets.').waitFor();
  await who.look('readme');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Edit Notebook' }).click();
  await who.fill('In one line', 'Debian');
  await who.press('Save');
  await page.getByText('Debian', { exact: true }).waitFor();
  await page.getByPlaceholder('Find by name').fill('nothing of that name');
  await who.see('No template here');
  await page.getByPlaceholder('Find by name').fill('note');
  await page.getByRole('link', { name: 'Use Notebook' }).click();
  await page.waitForURL(/template=[0-9a-f]{32}&vol=25/);
  await page.locator('.template-card').getByText('Notebook').waitFor();
  const fitting = await settled(page.getByRole('article'));
  await who.look('search-template');
  await page.getByLabel(/Incompatible machines/).check();
  await page.waitForURL(/incompatible=1/);
  assert.ok(await settled(page.getByRole('article')) >= fitting);
  await page.getByRole('button', { name: /^Rent / }).first().click();
  assert.equal(await page.getByLabel('Template').locator('option:checked').textContent(), 'Notebook');
  assert.deepEqual(await Promise.all(['Add volume', 'Volume Size', 'Mounted at'].map((label) => page.getByRole('dialog').getByLabel(label).inputValue())), ['new', '25', '/sets']);
  await page.keyboard.press('Escape');
  await who.go('/templates?tab=mine');
  await page.getByRole('button', { name: 'Delete Notebook' }).click();
  await who.press('Delete it');
  await who.see('No template here');
  step('a template is made, edited, found, used and deleted');
}
