// SPDX-License-Identifier: Apache-2.0
// A market that takes cards: credit is bought and a card is kept on the provider's page, the card is charged by itself when
// told so, and the operator answers a dispute. test/console/cards_test.py starts it, with a provider that is a fake.
import assert from 'node:assert/strict';
import { allShown, OF_CARDS, shows } from './columns.mjs';
import { options, PASSWORD, Person, run, step, WAIT } from './stage.mjs';

const renter = await Person.come('payer@berth.test');
const operator = await Person.come('operator@berth.test');
const { page } = renter;

/** The provider leads back to the market by its public name. */
await page.route(`${options.market}/**`, (route) => route.fulfill({ status: 302, headers: { location: route.request().url().replace(options.market, options.url) } }));

async function buy() {
  await renter.signUp();
  await renter.go('/billing');
  await renter.press('Add credit');
  await page.getByText('Your card\'s number never reaches this server').waitFor();
  await renter.look('add-by-card');
  await page.getByRole('dialog').getByText('Other', { exact: true }).click();
  await renter.fill('Dollars', '60');
  await renter.press('Pay $60.00');
  await renter.press(renter.link('Back to the market'));
  await page.waitForURL(/\/billing\/\?deposit=\d+/);
  await page.getByText('$60.00 are paid').waitFor(WAIT);
  await page.locator('[data-live=credit]', { hasText: /^\$60\./ }).waitFor(WAIT);
  await renter.go('/billing?tab=statements');
  const row = page.getByRole('region', { name: 'Deposits' });
  await row.getByText('$60.00').waitFor(WAIT);
  const [file] = await Promise.all([page.waitForEvent('download'), renter.press(page.getByRole('button', { name: /^Receipt of deposit/ }))]);
  assert.match(file.suggestedFilename(), /^receipt-\d+\.html$/);
  await renter.look('receipts');
  step('credit is bought on the provider\'s page, and has a receipt');
}

async function card() {
  await renter.go('/billing');
  await renter.press('Add a card');
  await renter.press(renter.link('Back to the market'));
  await page.waitForURL(/\/billing\/\?card=\d+/);
  await page.getByRole('region', { name: 'Cards' }).getByText('visa ···· 4242').first().waitFor(WAIT);
  await shows(renter, 'cards');
  await renter.fill('When credit is below', '5');
  await renter.fill('Add', '20');
  await renter.press('Charge it by itself');
  await page.locator('.toasts').getByText('is charged when credit runs low').waitFor();
  await page.reload();
  await page.getByLabel('When credit is below').waitFor();
  assert.deepEqual([await page.getByLabel('When credit is below').inputValue(), await page.getByLabel('Add', { exact: true }).inputValue()], ['5', '20']);
  await renter.look('cards');
  await renter.press('Turn it off');
  await page.locator('.toasts').getByText('No card is charged by itself').waitFor();
  for (let left = await page.getByRole('button', { name: /^Remove the card/ }).count(); left > 0; left--) {
    await page.getByRole('button', { name: /^Remove the card/ }).first().click();
    await page.getByRole('button', { name: /^Remove the card/ }).nth(left - 1).waitFor({ state: 'detached', ...WAIT });
  }
  await page.getByText('None is saved.').waitFor();
  step('a card is kept, charged by itself or not, and removed');
}

/** The bank is answered once, with the operator's words first. */
async function answer() {
  const desk = operator.page;
  assert.ok((await fetch(`${options.provider}/dispute`)).ok);
  await operator.go('/login?to=%2Foperator%3Ftab%3Ddisputes');
  await operator.fill('Email', operator.email);
  await operator.fill('Password', PASSWORD);
  await operator.press('Log in');
  await desk.waitForURL(/tab=disputes/);
  await desk.getByRole('region', { name: 'Disputes' }).getByText('fraudulent').waitFor(WAIT);
  await operator.press(desk.getByRole('button', { name: /^Evidence for dispute/ }));
  const dialog = desk.getByRole('dialog');
  await dialog.getByText('not submitted').waitFor(WAIT);
  await dialog.getByText(renter.email, { exact: true }).waitFor();
  const submit = dialog.getByRole('button', { name: 'Submit it, once' });
  await operator.fill('What you know of it', 'They wrote to us on 4 November that all was well.');
  assert.ok(await submit.isDisabled(), 'first the words are kept');
  await operator.press('Keep your words');
  await dialog.locator('button:not([disabled])', { hasText: 'Submit it, once' }).waitFor(WAIT);
  assert.equal(await dialog.getByLabel('What you know of it').inputValue(), 'They wrote to us on 4 November that all was well.');
  await operator.press(submit);
  await dialog.getByText(/^(on its way|the bank has it)$/).waitFor(WAIT);
  await dialog.getByText('the bank has it').waitFor(WAIT);
  assert.equal(await submit.count(), 0, 'once');
  await operator.look('evidence-submitted');
  const { disputes } = await (await fetch(`${options.provider}/said`)).json();
  assert.deepEqual(disputes.map(({ status, evidence }) => [status, evidence.uncategorized_text.split('\n')[0]]), [['under_review', 'They wrote to us on 4 November that all was well.']]);
  step('the operator\'s words and what the books hold are with the bank, once');
}

await run([buy, card, answer, () => allShown(OF_CARDS)]);
