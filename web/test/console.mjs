// SPDX-License-Identifier: Apache-2.0
// A person's way through the console in the distribution's Chromium: from no account to a rental that is
// stopped, started and destroyed. Every page is held to axe's rules, in both colours, and no script may
// complain. Beside it runs a whole market: test/console/console_test.py starts it and says where it is.
//
//     node console.mjs URL OUTBOX SHOTS BERTHD DATA FAILED
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [url, outbox, shots, berthd, data, failed] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const EMAIL = 'renter@berth.test';
const PASSWORD = 'correct horse battery';
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f renter';
const WAIT = { timeout: 30000 };

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--no-proxy-server'] });
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce', bypassCSP: false });
const page = await context.newPage();
const complaints = [];
let clicks = 0;

page.on('console', (message) => { if (message.type() === 'error') complaints.push(`${message.text()} ${message.location().url}`); });
page.on('pageerror', (error) => complaints.push(String(error)));
page.setDefaultTimeout(30000);

const step = (text) => console.log(`  ${text}`);
const button = (name) => page.getByRole('button', { name, exact: true });
async function press(locator) { clicks++; await locator.first().click(); }
const fill = (label, text) => page.getByLabel(label, { exact: true }).first().fill(text);

async function mailedCode() {
  for (let i = 0; i < 300; i++) {
    for (const name of readdirSync(outbox).sort().reverse()) {
      const found = /Code: (\S+)\r\n/.exec(readFileSync(join(outbox, name), 'utf8'));
      if (name.endsWith('.eml') && found) return found[1];
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('no code came by mail');
}

/** In a world of its own, whose scripts the page's policy does not bind. */
async function violations() {
  const session = await context.newCDPSession(page);
  const { frameTree } = await session.send('Page.getFrameTree');
  const { executionContextId: contextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id });
  await session.send('Runtime.evaluate', { expression: axe, contextId });
  const { result } = await session.send('Runtime.evaluate', { contextId, awaitPromise: true, returnByValue: true,
    expression: `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }).then(({ violations }) =>
      violations.map((one) => one.id + ': ' + one.nodes.map((node) => node.html.slice(0, 160)).join(' | ')))` });
  await session.detach();
  return result.value;
}

/** A page as it is in both colours: no violation, nothing that sticks out, and a picture of each. */
async function look(name) {
  for (const colour of ['light', 'dark']) {
    /* Not by its button, which a dialog would cover. */
    await page.evaluate((value) => { document.documentElement.dataset.theme = value; }, colour);
    assert.deepEqual(await violations(), [], `${name}, ${colour}`);
    await page.setViewportSize({ width: 360, height: 780 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 360, `${name} is ${wide} px wide where there are 360`);
    await page.screenshot({ path: join(shots, `${name}-${colour}-360.png`) });
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.screenshot({ path: join(shots, `${name}-${colour}.png`) });
  }
  await page.evaluate(() => { document.documentElement.dataset.theme = 'light'; });
}

async function signUp() {
  await page.goto(url);
  await page.getByRole('article').first().waitFor(WAIT);
  await look('search');
  await button('Dark colours').click();
  await page.reload();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  await button('Light colours').click();
  await page.goto(`${url}/signup`);
  await look('sign-up');
  await fill('Email', EMAIL);
  await fill('New password', PASSWORD);
  await press(button('Send me a code'));
  await page.getByText('We have sent a code to').waitFor();
  await fill('Code from the mail', await mailedCode());
  await press(button('Make the account'));
  await page.getByText('first API key').waitFor();
  await press(button('I have kept it'));
  step('an account is made with a code from the mail');
}

async function search() {
  const cards = page.getByRole('article');
  await cards.first().waitFor();
  const before = await cards.count();
  await page.getByText('Interruptible', { exact: true }).click();
  await page.waitForURL(/type=bid/);
  await page.goBack().catch(() => undefined);
  await page.goto(`${url}/?gpus=8`);
  await page.getByText('No offer matches').waitFor();
  await page.goto(url);
  await cards.first().waitFor();
  assert.equal(await cards.count(), before, 'the same offers again');
  await page.getByLabel('Price at most').fill('0.0001');
  await page.getByText('No offer matches').waitFor();
  assert.match(page.url(), /price=0.0001/);
  await page.goto(url);
  await cards.first().getByRole('button', { name: /what it is made of/ }).click();
  await page.getByRole('dialog').getByText('Total').waitFor();
  assert.deepEqual(await violations(), [], 'price dialog');
  await page.keyboard.press('Escape');
  await cards.first().getByRole('button', { name: /Why is offer/ }).click();
  await page.getByRole('dialog').getByText('This one').waitFor();
  await page.keyboard.press('Escape');
  step('offers are filtered, priced and explained');
}

async function rent() {
  await page.goto(url);
  await press(page.getByRole('button', { name: /^Rent / }));
  await page.getByText('You have no credit').waitFor();
  await page.getByText('You have no SSH key yet').waitFor();
  assert.ok(await page.getByRole('button', { name: /Rent for/ }).isDisabled());
  await look('rent');
  await fill('Public key', KEY);
  await press(button('Add SSH Key'));
  await page.getByText('You have no SSH key yet').waitFor({ state: 'detached' });
  execFileSync(berthd, ['admin', '--data', data, 'credit', 'grant', '--email', EMAIL, '--amount', '25.00', '--ticket', 'T1']);
  /* The news of it comes by itself. */
  await page.getByText('You have no credit').waitFor({ state: 'detached' });
  await press(page.getByRole('button', { name: /Rent for/ }));
  await page.waitForURL(/instances\/\d+/);
  await page.locator('main').getByText('Running', { exact: true }).waitFor(WAIT);
  await press(page.getByRole('link', { name: 'Connect' }));
  const command = await page.getByLabel('Log in', { exact: true }).textContent();
  assert.match(command, /^ssh -p \d+ root@[\d.]+$/);
  step(`rented and running, with "${command}", after ${clicks} clicks from nothing`);
  assert.ok(clicks <= 12);
  await look('instance');
}

async function live() {
  await page.getByRole('link', { name: 'Log', exact: true }).first().click();
  await press(button('Read the log'));
  await page.getByLabel('Log', { exact: true }).getByText('sim-host: log of').waitFor(WAIT);
  await page.getByRole('link', { name: 'History' }).click();
  await page.locator('.events li').first().waitFor();
  await page.goto(`${url}/instances`);
  await button('Stop').waitFor();
  await look('instances');
  await press(button('Stop'));
  await page.getByText(/goes on costing \$[\d.]+\/day/).waitFor();
  await press(button('Stop it'));
  await page.getByRole('article').getByText('Stopped', { exact: true }).waitFor(WAIT);
  await press(button('Start'));
  await page.getByRole('article').getByText('Running', { exact: true }).waitFor(WAIT);
  await press(button('Destroy'));
  await page.getByText('This cannot be undone.').waitFor();
  await press(button('Destroy it and its files'));
  await page.getByText('You rent nothing yet').waitFor(WAIT);
  step('its log is read; it is stopped, started and destroyed, live');
}

async function account() {
  await page.goto(`${url}/settings`);
  await press(button('Change SSH Key'));
  await page.getByLabel('The key to put in its place').fill(KEY.replace('AABAgM', 'AACAgM'));
  await press(button('Change SSH Key'));
  await page.getByText('The key is changed').waitFor();
  await look('settings');
  await page.goto(`${url}/settings?tab=security`);
  await button('Add an authenticator app').waitFor();
  await look('security');
  await page.goto(`${url}/settings?tab=notifications`);
  await page.getByRole('table').waitFor();
  assert.deepEqual(await violations(), [], 'notifications');
  await page.goto(`${url}/keys?tab=api`);
  await press(button('Make an API key'));
  await fill('Name', 'ci');
  await press(button('Make the key'));
  await page.getByText('This is the key.').waitFor();
  await press(button('I have kept it'));
  await look('keys');
  await page.goto(`${url}/keys?tab=sessions`);
  await page.getByText('this one').waitFor();
  await press(button('Log out'));
  await page.getByRole('link', { name: 'Log in' }).waitFor();
  await page.goto(`${url}/login?to=%2Fkeys`);
  await look('log-in');
  await fill('Email', EMAIL);
  await fill('Password', PASSWORD);
  await press(button('Log in'));
  await page.waitForURL(/\/keys$/);
  step('keys are changed and made; out, and in again to where one was going');
}

try {
  for (const part of [signUp, search, rent, live, account]) await part();
  const unexpected = complaints.filter((text) => !/status of 404/.test(text)); // a log that is not there yet
  assert.deepEqual(unexpected, [], 'what the console of the browser says');
} catch (error) {
  await page.screenshot({ path: failed });
  console.error(complaints.join('\n'));
  throw error;
} finally {
  await browser.close();
}
