// SPDX-License-Identifier: Apache-2.0
// A renter: from no account to a rental that is stopped, started and destroyed.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { shows } from '../columns.mjs';
import { mailedCode, MODEL, options, PASSWORD, pause, settled, step, WAIT } from '../stage.mjs';

export const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f renter';
const CLICKS_MAX = 12;

/** A key that has only read is used, too; it is written down within seconds. */
async function usedOnce(who, key, cell) {
  assert.equal((await fetch(`${options.url}/api/v0/users/current`, { headers: { Authorization: `Bearer ${key}` } })).status, 200);
  for (let i = 0; i < 60 && (await cell.textContent()) === 'never'; i++) {
    await pause(500);
    await who.go('/keys?tab=api');
    await cell.waitFor();
  }
  assert.match(await cell.textContent(), /^\d+ s ago$/);
  assert.match(await cell.locator('time').getAttribute('title'), /^\d+ \w+ 20\d\d, \d\d:\d\d, known to the hour$/);
}

export function grant(email, amount, ticket) {
  execFileSync(join(options.bin, 'berthd'), ['admin', '--data', options.data, 'credit', 'grant', '--email', email, '--amount', amount, '--ticket', ticket]);
}

/** Credit that is paid for: by hand, as an operator enters it. */
export function buy(email, amount, ticket) {
  execFileSync(join(options.bin, 'berthd'), ['admin', '--data', options.data, 'credit', 'deposit', '--email', email, '--amount', amount, '--ticket', ticket]);
}

export async function signUp(who) {
  const { page } = who;
  await who.go('/');
  await page.getByRole('article').first().waitFor(WAIT);
  await page.getByText(/Vol: \d+ GB/).first().waitFor(WAIT);
  await page.locator('article.offer').getByText(/, [A-Z]{2}$/).first().waitFor(WAIT);
  for (const name of ['GPU', 'Machine', 'Network', 'What it will do']) await page.locator('.filters summary', { hasText: name }).click();
  await shows(who, 'search');
  await page.reload();
  await page.getByRole('article').first().waitFor(WAIT);
  await who.look('search');
  await who.button('Dark colours').click();
  await page.reload();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  await who.button('Light colours').click();
  await who.go('/signup');
  await who.look('sign-up');
  await who.fill('Email', who.email);
  await who.fill('New password', PASSWORD);
  await who.press('Send me a code');
  await who.see('We have sent a code to');
  await who.fill('Code from the mail', await mailedCode(who.email));
  await who.press('Make the account');
  await who.see('first API key');
  await who.press('I have kept it');
  step('an account is made with a code from the mail');
}

export async function search(who) {
  const { page } = who;
  const cards = page.getByRole('article');
  await cards.first().waitFor();
  const before = await settled(cards);
  await page.getByText('Interruptible', { exact: true }).click();
  await page.waitForURL(/type=bid/);
  await page.goBack().catch(() => undefined);
  await who.go('/?gpus=9');
  await who.see('No offer matches');
  await who.go('/');
  await cards.first().waitFor();
  assert.equal(await settled(cards), before, 'the same offers again');
  await page.getByLabel('Price at most').fill('0.0001');
  await who.see('No offer matches');
  assert.match(page.url(), /price=0.0001/);
  await who.go('/');
  await cards.first().getByRole('button', { name: /what it is made of/ }).click();
  await page.getByRole('dialog').getByText('Total').waitFor();
  await shows(who, 'price');
  assert.deepEqual(await who.violations(), [], 'price dialog');
  await page.keyboard.press('Escape');
  await cards.first().getByRole('button', { name: /Why is offer/ }).click();
  await page.getByRole('dialog').getByText('This one').waitFor();
  await page.keyboard.press('Escape');
  await cards.first().getByRole('button', { name: /^Details of offer/ }).click();
  await shows(who, 'details');
  await who.look('offer');
  await page.evaluate(() => scrollTo(0, 0));
  const [, machine] = /m:(\d+)/.exec(await cards.first().textContent());
  const itsOffers = page.getByRole('link', { name: `m:${machine}`, exact: true });
  await page.getByRole('button', { name: `Avoid machine ${machine}` }).first().click();
  await itsOffers.first().waitFor({ state: 'detached' });
  await page.reload();
  await page.getByRole('button', { name: `Find machine ${machine} again` }).waitFor();
  await cards.first().waitFor();
  assert.equal(await itsOffers.count(), 0, 'it is left out in this browser from then on');
  await page.getByRole('button', { name: `Find machine ${machine} again` }).click();
  await itsOffers.first().waitFor();
  await who.press('Save as mine');
  /* By country, by maker and family, with what it is to do, and paid ahead: all of it in the address. */
  await page.locator('details.models').nth(1).locator('summary').first().click();
  await page.getByLabel('All of Europe').check();
  await page.waitForURL(/country=[A-Z%2C]+/);
  await page.getByLabel('Find a country').fill('ice');
  await page.getByText('Iceland').waitFor();
  await who.look('places');
  await page.keyboard.press('Escape');
  await who.go('/');
  await page.locator('body').press('/');
  await page.locator(':focus').and(page.getByLabel('Find a GPU model')).waitFor();
  await page.getByLabel('All of Data centre').check();
  await page.waitForURL(/gpu=/);
  await who.look('models');
  await page.keyboard.press('Escape');
  await who.go('/?hours=10&in=50&out=5');
  await cards.first().getByText(/ in all$/).waitFor();
  await cards.first().getByRole('button', { name: /what it is made of/ }).click();
  await page.getByRole('dialog').getByText(/in all for 10 h, 50 GB in and 5 GB out/).waitFor();
  await who.look('price');
  await page.keyboard.press('Escape');
  await who.go('/?type=reserved');
  await page.getByRole('article').filter({ hasText: 'RTX 5090' }).first().getByText('paid ahead').waitFor(WAIT);
  await who.look('reserved');
  await who.go('/?type=bid');
  await page.getByRole('button', { name: /^Rent / }).first().waitFor();
  step('offers are filtered, priced, explained and shown whole');
}

/** Searches that what is there already answers, and searches that it cannot answer. */
const TIGHTER = ['gpus=4', 'price=1', 'gpu=RTX+4090', 'gpu=RTX+4090&gpus=2', 'country=SE%2CPL', 'vram=40', 'down=1500', 'reliability=55', 'static=1', 'gpus=9', 'vol=1'];
const OTHERS = ['days=100', 'disk=200', 'sort=dph_total', 'type=bid', 'unverified=1&unavailable=1'];

/** While the server's answers are held back the same offers are there that it answers then. */
export async function early(who) {
  const { page } = who;
  const told = page.locator('.offers > p[role=status]');
  const shown = async () => [await told.textContent(), ...await page.locator('article.offer .ids span:last-child').allTextContents()];
  const to = (query) => page.evaluate((text) => { history.pushState(null, '', `/?${text}`); dispatchEvent(new PopStateEvent('popstate')); }, query);
  for (const query of [...TIGHTER, ...OTHERS]) {
    await who.go('/');
    await told.filter({ hasText: /^\d+ offers$/ }).waitFor({ state: 'attached', ...WAIT }); // all of them
    const before = await shown();
    let letGo;
    const held = new Promise((resolve) => { letGo = resolve; });
    await page.route('**/api/v0/bundles/', async (route) => { await held; await route.continue(); });
    await to(query);
    await page.waitForTimeout(200);
    const soon = await shown();
    const answer = page.waitForResponse('**/api/v0/bundles/');
    letGo();
    await answer;
    await page.unroute('**/api/v0/bundles/');
    await page.waitForTimeout(200);
    if (OTHERS.includes(query)) assert.deepEqual(soon, before, `${query}: nothing is guessed`);
    else assert.deepEqual(soon, await shown(), `${query}: what is shown early is what the server finds`);
    if (query === 'gpus=4') assert.ok(soon.length > 2 && soon.length < before.length, 'some of them');
  }
  step(`${TIGHTER.length} filters are answered at once by what is there, as the server answers them`);
}

export async function rent(who, key = KEY) {
  const { page } = who;
  await who.go(`/?gpu=${MODEL}&sort=total_flops`);
  await page.getByRole('article').filter({ hasText: `2× ${MODEL}` }).waitFor();
  await who.press(page.getByRole('button', { name: new RegExp(`^Rent 2× ${MODEL}`) }));
  await who.see('You have no credit');
  await who.see('You have no SSH key yet');
  await shows(who, 'rent');
  assert.ok(await page.getByRole('button', { name: /Rent for/ }).isDisabled());
  await who.look('rent');
  await who.fill('Public key', key);
  await who.press('Add SSH Key');
  await page.getByText('You have no SSH key yet').waitFor({ state: 'detached' });
  grant(who.email, '25.00', 'T1');
  /* The news of it comes by itself. */
  await page.getByText('You have no credit').waitFor({ state: 'detached' });
  await who.press(page.getByRole('button', { name: /Rent for/ }));
  await page.waitForURL(/instances\/\d+/);
  await page.locator('main').getByText('Running', { exact: true }).waitFor(WAIT);
  await who.press(page.getByRole('link', { name: 'Connect' }));
  const command = await page.getByLabel('Log in', { exact: true }).textContent();
  assert.match(command, /^ssh -p \d+ root@[\d.]+$/);
  step(`rented and running, with "${command}", after ${who.clicks} clicks from nothing`);
  assert.ok(who.clicks <= CLICKS_MAX);
  await shows(who, 'connect');
  await who.look('instance');
  return command;
}

export async function live(who) {
  const { page } = who;
  await page.getByRole('link', { name: 'Log', exact: true }).first().click();
  await who.press('Read the log');
  await page.getByLabel('Log', { exact: true }).getByText('sim-host: log of').waitFor(WAIT);
  await page.getByRole('link', { name: 'History' }).click();
  await page.locator('.events li').first().waitFor();
  await page.getByRole('link', { name: 'Rules' }).click();
  await page.getByLabel('Destroy when it was stopped for').fill('48');
  await page.getByLabel('Send at most').fill('400');
  await who.look('rules');
  await who.press('Keep these rules');
  await page.getByText('destroyed after 2 d stopped').waitFor(WAIT);
  await page.getByText('↑ at most 400 Mbit/s').waitFor(WAIT);
  await who.go('/instances');
  await who.button('Stop').waitFor();
  await shows(who, 'instances');
  await shows(who, 'frame');
  await who.look('instances');
  await page.getByRole('link', { name: /^\d+× / }).first().click();
  await shows(who, 'instance');
  await page.getByRole('img', { name: /^Use, [\d:]+ to [\d:]+/ }).waitFor();
  await page.waitForTimeout(12000); // of readings
  await who.look('instance-charts');
  await who.go('/instances');
  await who.press('Expand All');
  await page.getByText('Its host says').waitFor();
  await who.look('instances-open');
  await who.press('Collapse All');
  await page.getByRole('button', { name: /what instance \d+ costs/ }).click();
  await page.getByRole('dialog').getByText('Total').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^Keys of instance/ }).click();
  await page.getByRole('region', { name: 'Keys of the instance' }).getByText('ssh-ed25519').waitFor(WAIT);
  await page.getByLabel('One more key').fill(KEY.replace('AABAgM', 'ADBAgM'));
  await who.press('Add SSH key');
  await page.getByRole('button', { name: /^Remove key/ }).nth(1).click();
  await page.getByRole('button', { name: /^Remove key/ }).nth(1).waitFor({ state: 'detached' });
  await who.look('instance-keys');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^Cloud copy of instance/ }).click();
  await who.see('You have no connection to a cloud store');
  await who.look('cloud');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^Move instance/ }).click();
  await page.getByRole('dialog').getByText('No other machine offers 2× L40S').waitFor();
  await page.getByRole('link', { name: 'Look for others' }).click();
  await page.waitForURL(/from=\d+/);
  await who.go('/instances');
  await page.getByRole('button', { name: /^Grow the disk of instance/ }).click();
  await page.getByRole('dialog').getByLabel('Disk').fill('16');
  await page.getByRole('dialog').getByText('$0.08/day from now on, rather than $0.05/day').waitFor();
  await who.look('grow');
  await who.press('Grow it');
  await page.getByText(/0\.1 of 16 GB/).waitFor(WAIT);
  /* Ten seconds without a sign of the server's, and what is shown looks like it. */
  await who.context.setOffline(true);
  await page.locator('.top').getByText(/^Not live/).waitFor(WAIT);
  await page.locator('main.stale').waitFor();
  await who.look('not-live');
  await who.context.setOffline(false);
  await page.locator('.top').getByText(/^Not live/).waitFor({ state: 'detached', ...WAIT });
  await page.locator('main:not(.stale)').waitFor();
  who.complaints = who.complaints.filter((text) => !/ERR_INTERNET_DISCONNECTED/.test(text));
  await who.go('/instances?status=Offline');
  await who.see('None of them');
  /* What is rented is not offered, until one asks for it. */
  await who.go(`/?gpu=${MODEL}`);
  await who.see('No offer matches');
  await page.getByLabel(/^Include Unavailable Offers/).check();
  await page.locator('article.taken').getByText(/^rented/).first().waitFor(WAIT);
  assert.ok(await page.locator('article.taken').first().getByRole('button', { name: /^Rent / }).isDisabled());
  await page.locator('article.taken').first().getByRole('button', { name: /^\$0\.\d+\/h: what it is made of/ }).waitFor();
  await who.go('/instances');
  await page.getByRole('button', { name: /^Label instance/ }).click();
  await page.getByRole('textbox', { name: 'Label' }).fill('training');
  await who.press('Keep it');
  await page.getByRole('heading', { name: 'training' }).waitFor(WAIT);
  await page.getByRole('button', { name: /^Report machine/ }).click();
  await page.getByLabel('In your words').fill('The second GPU is slower than the first.');
  assert.deepEqual(await who.violations(), [], 'report');
  await who.press('Send it');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: /^Copy from instance/ }).click();
  await page.getByLabel('Copy to your machine', { exact: true }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^Recycle instance/ }).click();
  await who.see('are deleted for good');
  await page.keyboard.press('Escape');
  await who.press('Stop');
  await who.see(/goes on costing \$[\d.]+\/day/);
  await who.look('stop');
  await who.press('Stop it');
  await page.getByRole('article').getByText('Stopped', { exact: true }).waitFor(WAIT);
  await page.getByRole('button', { name: /^Rescue the files/ }).click();
  await page.getByLabel('Copy to your machine', { exact: true }).or(page.getByText('Once it is in contact')).first().waitFor();
  await page.keyboard.press('Escape');
  await who.press('Start');
  await page.getByRole('article').getByText('Running', { exact: true }).waitFor(WAIT);
}

/** To another machine by one press, cut short by a page that is loaded anew, and gone on with. */
export async function move(who) {
  const { page } = who;
  const articles = page.getByRole('article');
  await who.go('/?gpu=RTX+4090&gpus=1');
  await who.press(page.getByRole('button', { name: /^Rent 1× RTX 4090/ }));
  await who.press(page.getByRole('button', { name: /Rent for/ }));
  await page.locator('main').getByText('Running', { exact: true }).waitFor(WAIT);
  const [, old] = /instances\/(\d+)/.exec(page.url());
  const machine = await page.getByText(/^m:\d+$/).first().textContent();
  await who.go('/instances');
  await page.getByRole('button', { name: `Move instance ${old}` }).click();
  await page.getByRole('dialog').getByText('Its files take').waitFor(WAIT);
  await page.getByRole('dialog').getByText(/^about .* GB$/).waitFor();
  await who.look('move');
  await who.press('Stop it and move it');
  await page.getByRole('list', { name: `Move of instance ${old}` }).first().waitFor();
  await page.reload();
  await page.getByText('It stands still').first().waitFor(WAIT);
  await who.look('move-halted');
  await who.press('Go on');
  await page.getByText('It has gone to').first().waitFor({ timeout: 180000 });
  await page.getByRole('article', { name: `Instance ${old}`, exact: true }).waitFor({ state: 'detached', ...WAIT });
  assert.equal(await articles.count(), 1, 'the old one is destroyed');
  assert.notEqual(await articles.getAttribute('aria-label'), `Instance ${old}`);
  assert.ok(!(await articles.textContent()).includes(`${machine} `), 'on another machine');
  await who.look('moved');
  await who.press('Close');
  await page.getByText('It has gone to').waitFor({ state: 'detached' });
  await destroy(who);
  step('an instance moves to another machine by one press, also over a page that is loaded anew');
}

export async function destroy(who) {
  await who.go('/instances');
  await who.press('Destroy');
  await who.see('This cannot be undone.');
  await who.press('Destroy it and its files');
  await who.page.getByText('You rent nothing yet').waitFor(WAIT);
  step('its log is read; it is stopped, started and destroyed, live');
}

export async function account(who) {
  const { page } = who;
  await who.go('/settings');
  await who.press('Change SSH Key');
  await page.getByLabel('The key to put in its place').fill(KEY.replace('AABAgM', 'AACAgM'));
  await who.press('Change SSH Key');
  await who.see('The key is changed');
  await shows(who, 'settings');
  await who.look('settings');
  await who.go('/settings?tab=security');
  await who.button('Add an authenticator app').waitFor();
  await shows(who, 'security');
  await who.look('security');
  await who.go('/settings?tab=notifications');
  await page.getByRole('table').waitFor();
  await who.look('notifications');
  await who.go('/keys?tab=api');
  await who.press('Make an API key');
  await page.getByLabel('Instances: Read & Write').check();
  await who.look('make-key');
  await who.fill('Name', 'ci');
  const made = page.waitForResponse((reply) => reply.request().method() === 'POST' && reply.url().includes('/auth/apikeys/'));
  await who.press('Make the key');
  await who.see('This is the key.');
  const { key } = await (await made).json();
  const used = page.getByRole('row', { name: /^ci/ }).getByRole('cell').nth(2);
  assert.equal(await used.textContent(), 'never');
  await who.press('I have kept it');
  await usedOnce(who, key, used);
  await shows(who, 'keys');
  await who.look('keys');
  await who.go('/keys?tab=sessions');
  await who.see('this one');
  await who.press('Log out');
  await who.link('Log in').waitFor();
  await who.go('/login?to=%2Fkeys');
  await who.look('log-in');
  await who.fill('Email', who.email);
  await who.fill('Password', PASSWORD);
  await who.press('Log in');
  await page.waitForURL(/\/keys$/);
  step('keys are changed and made; out, and in again to where one was going');
}
