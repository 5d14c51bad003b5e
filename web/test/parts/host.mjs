// SPDX-License-Identifier: Apache-2.0
// Somebody who lends a machine: joins, lists, prices, gives it a job, and sees what it earns.
import assert from 'node:assert/strict';
import { shows } from '../columns.mjs';
import { pause, simulate, step, WAIT } from '../stage.mjs';

export async function join(who) {
  const { page } = who;
  await who.signUp();
  await who.go('/machines');
  await who.see('You lend nothing yet');
  await page.locator('main').getByRole('link', { name: 'Add a machine' }).last().click();
  await who.see('No machine has joined yet');
  await page.getByText('What you agree to').click();
  await page.getByText('The market keeps 25 %').waitFor();
  await page.getByLabel('I agree to that').check();
  await who.press('Make a token');
  const command = await page.getByLabel('Join the market', { exact: true }).textContent();
  const token = /--token (\S+)/.exec(command)?.[1];
  assert.ok(token, command);
  assert.ok(command.includes(`--server ${new URL(page.url()).origin}`));
  simulate(token, 2);
  const steps = page.getByRole('list', { name: /Machine \d+, step by step/ });
  await steps.getByText('It reports every few seconds.').waitFor(WAIT);
  await steps.getByText('Set its prices: that lists it.').waitFor();
  await shows(who, 'setup');
  await who.look('setup');
  await who.link('Set Prices and list it').click();
  step('a machine joins with a token from the console, and is ticked off step by step');
}

export async function list(who) {
  const { page } = who;
  const dialog = page.getByRole('dialog');
  await who.fill('A GPU, on demand', '0.36');
  await who.fill('Lowest bid, a GPU', '0.1');
  await who.fill('Space for volumes', '40');
  await who.fill('Rentals may last for', '12');
  await dialog.getByText('Of that you get 75 %').waitFor();
  await dialog.getByText('$0.54 an hour').waitFor();
  await shows(who, 'prices');
  await who.look('prices');
  await who.press('List the machine');
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('listed', { exact: true }).waitFor();
  await shows(who, 'machines');
  await who.look('machines');
  step('it is listed at its prices, beside what it will earn');
}

/** Once it is rented. */
/** Payouts are printed alone, and the page is as it was when that is over. */
async function payoutsOnPaper(page) {
  const payouts = page.getByRole('region', { name: 'Payout history' });
  assert.deepEqual(await payouts.locator('td:nth-of-type(2)').allTextContents(), ['–', await payouts.locator('td:nth-of-type(1)').last().textContent()]
    .map((day, i) => (i === 0 ? day : new Date(Date.parse(day) + 2 * 86400e3).toLocaleDateString('en-GB', { year: 'numeric', month: 'short', day: 'numeric' }))));
  await page.evaluate(() => { globalThis.print = () => { document.body.dataset.printed = document.documentElement.dataset.print; }; });
  await page.getByRole('button', { name: 'Print' }).click();
  assert.equal(await page.evaluate(() => document.body.dataset.printed), 'sheet');
  await page.emulateMedia({ media: 'print' });
  assert.ok(await payouts.isVisible() && await page.getByText('weeks that ended').isVisible());
  for (const what of [page.locator('nav').first(), page.locator('.top'), page.getByText('Total earnings'), page.getByText('Payout account'), page.getByRole('button', { name: 'Print', includeHidden: true })])
    assert.ok(!await what.isVisible());
  await page.emulateMedia({ media: null });
  await page.evaluate(() => dispatchEvent(new Event('afterprint')));
  assert.equal(await page.evaluate(() => document.documentElement.dataset.print), undefined);
  assert.ok(await page.getByText('Total earnings').isVisible());
}

export async function earn(who) {
  const { page } = who;
  await who.go('/machines');
  await page.getByRole('img', { name: '2 of 2 GPUs are rented' }).waitFor(WAIT);
  await page.getByRole('link', { name: /^m:\d+$/ }).click();
  await page.getByText('Earns now').waitFor();
  await shows(who, 'machine');
  await who.look('machine');
  await page.getByRole('list', { name: 'GPUs of the machine' }).getByText(/On demand · C\.\d+/).first().waitFor();
  assert.equal(await page.getByRole('list', { name: 'GPUs of the machine' }).getByRole('listitem').count(), 2);
  await who.link('Set Prices').click();
  assert.equal(await page.getByLabel('A GPU, on demand').inputValue(), '0.36');
  await who.fill('A GPU, on demand', '0.40');
  await page.getByRole('dialog').getByText('Rentals that run keep the prices').waitFor();
  await who.press('Set Prices');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByText('$0.40/h').first().waitFor(WAIT);
  /* Weeks that were paid out, one of them late, on two pages: of none in this market, which is minutes old. */
  await page.route(/\/billing\/payouts\/(\?|$)/, async (route) => {
    const told = await (await route.fetch()).json();
    const cut = Math.floor(Date.now() / 86400e3) * 86400 - 6 * 86400;
    const week = { id: 7, amount: 41.5, state: 'failed', provider: 'stripe', reference: 'po_1', reason: 'the bank refused it', cut, expected: cut + 4 * 86400, paid_at: null, late: true };
    const before = { ...week, id: 6, amount: 12.25, state: 'paid', reason: null, cut: cut - 7 * 86400, expected: cut - 3 * 86400, paid_at: cut - 5 * 86400, late: false };
    const isFirst = !route.request().url().includes('after_token');
    await route.fulfill({ json: { ...told, total: told.total + 12.25, payouts: isFirst ? [week] : [before], next_token: isFirst ? 'b1' : null } });
  });
  await who.go('/earnings');
  await page.getByRole('region', { name: 'Earnings by machine' }).waitFor(WAIT);
  assert.match(await page.getByRole('region', { name: 'Earnings by machine' }).textContent(), /m:\d+\$0\.0\d+/);
  await shows(who, 'earnings');
  await who.look('earnings');
  assert.match(await page.locator('.figure', { hasText: 'Total earnings' }).textContent(), /\$12\.2\d/);
  await payoutsOnPaper(page);
  await page.unroute(/\/billing\/payouts\/(\?|$)/);
  await page.getByLabel('Country').selectOption('DE');
  await who.press('Keep it');
  await page.getByRole('alert').waitFor(WAIT); // here hosts are paid by hand
  who.complaints = who.complaints.filter((text) => !/payouts\/method/.test(text));
  await page.getByText('As a table').click();
  await page.getByRole('region', { name: 'Earnings by day' }).waitFor();
  step('it earns, by day and machine; other prices are for others');
}

export async function job(who) {
  const { page } = who;
  await who.go('/create-job');
  await page.getByRole('checkbox').first().check();
  assert.equal(await page.getByLabel('Image', { exact: true }).inputValue(), 'ubuntu');
  assert.equal(await page.getByLabel('Command').inputValue(), 'bash');
  await who.fill('Variables', '-e POOL=example.org');
  await who.fill('Price of a GPU', '0.15');
  const most = Number(await page.getByLabel('GPUs at most').getAttribute('max'));
  assert.ok(most >= 1);
  await who.fill('GPUs at most', '1');
  await shows(who, 'job');
  await who.look('create-job');
  await page.locator('main').getByRole('button', { name: 'Create Job' }).click();
  await page.locator('.toasts').getByText('Machine').first().waitFor();
  await page.locator('.toasts a').click();
  await page.getByRole('link', { name: 'Job and maintenance' }).click();
  await page.getByText('$0.15/h').first().waitFor();
  await page.getByText('POOL=example.org').waitFor();
  assert.equal(await page.locator('dl.facts dt', { hasText: /^GPUs at most$/ }).locator('xpath=following-sibling::dd[1]').textContent(), `1 of ${most}`);
  const begins = new Date(Date.now() + 3 * 86400e3).toISOString().slice(0, 16);
  await who.press('Announce maintenance');
  await who.fill('Begins', begins);
  await who.press('Announce it');
  await page.getByRole('region', { name: 'Maintenance' }).waitFor();
  await who.look('machine-care');
  await who.press('Take them back');
  await page.getByText('None is announced').waitFor();
  await who.press('Remove the job');
  await page.getByText('GPUs that nobody rents do nothing').waitFor();
  step('it has a job of its own, which is the floor of bids, and maintenance ahead');
}

export async function end(who) {
  const { page } = who;
  await page.getByRole('link', { name: 'Rank' }).click();
  await page.getByRole('region', { name: 'Where its offers rank' }).waitFor(WAIT);
  await who.look('machine-rank');
  await page.getByRole('link', { name: 'Reports' }).click();
  await page.getByText('The second GPU is slower than the first.').waitFor();
  await who.press('Reply');
  await page.getByLabel('Your reply').fill('The fan is replaced.');
  await who.press('Send it');
  await page.getByText(/^You, .*: The fan is replaced\.$/).waitFor(WAIT);
  await who.look('machine-reports');
  await page.getByRole('link', { name: 'History' }).click();
  await page.getByRole('img', { name: /^Uptime in/ }).waitFor(WAIT);
  await page.getByRole('region', { name: 'What happened' }).getByText('It joined').waitFor();
  await who.look('machine-history');
  await page.getByRole('link', { name: 'Job and maintenance' }).click();
  await who.press('Unlist');
  await who.see('go on as they are');
  await who.press('Unlist it');
  await page.getByText('not listed', { exact: true }).waitFor(WAIT);
  await pause(100);
  step('its rank is told, and it is unlisted');
}
