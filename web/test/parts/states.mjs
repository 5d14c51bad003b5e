// SPDX-License-Identifier: Apache-2.0
// What is not as it should be: a market that is gone, busy, or has ended the session; names as long as they may be; hundreds of
// instances; a press too many; a browser in another part of the world, or one that lends no clipboard. And that all of it can
// be done from the keyboard. For somebody who has an instance that runs.
import assert from 'node:assert/strict';
import { MODEL, options, PASSWORD, pause, settled, step, WAIT } from '../stage.mjs';

const MANY = 500;
const FIRST_MS = 3000; // until a screenful of five hundred is there, on a machine that does other things as well
const LATER_MS = 2000; // until it shows what has changed
const LONG = `${'Überprüfungsläufe-der-Nacht-'.repeat(6)} ${'学習'.repeat(30)} <b>עברית</b> 🚢`;

const focused = (page) => page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim());

/** Two presses before anything could be drawn anew are one. */
export async function pressTwice(who) {
  const { page } = who;
  const asked = [];
  await page.route('**/api/v0/asks/*/', async (route) => {
    asked.push(route.request().url());
    await pause(300);
    await route.fulfill({ status: 400, json: { success: false, error: 'invalid_args', msg: 'Not now.' } });
  });
  await page.route('**/api/v0/commands/transfer_credit/', async (route) => {
    asked.push(route.request().url());
    await pause(300);
    await route.fulfill({ status: 400, json: { success: false, error: 'invalid_args', msg: 'Not now.' } });
  });
  const twice = (button) => button.evaluate((one) => { one.click(); one.click(); });
  await who.go('/?gpu=RTX+4090&gpus=1');
  await page.getByRole('button', { name: /^Rent 1× RTX 4090/ }).first().click();
  await twice(page.getByRole('button', { name: /Rent for/ }));
  await page.getByRole('dialog').getByText('Not now.').waitFor();
  await who.go('/billing');
  await who.press('Transfer credit');
  await who.fill('To whom', 'nobody@berth.test');
  await who.fill('How much', '1');
  await twice(who.button('Give $1.00 away'));
  await page.getByRole('dialog').getByText('Not now.').waitFor();
  assert.equal(asked.length, 2, 'each was asked for once');
  await page.unroute('**/api/v0/asks/*/');
  await page.unroute('**/api/v0/commands/transfer_credit/');
  who.forgive(/asks|transfer_credit/);
  step('who presses twice rents once and pays once');
}

/** Where one is after a dialog: where one was before it, by its cross, by Escape, and by going back. */
export async function goBack(who) {
  const { page } = who;
  const dialog = page.getByRole('dialog');
  await who.go('/market');
  await page.getByRole('link', { name: 'Search', exact: true }).click();
  const rent = page.getByRole('button', { name: /^Rent / }).first();
  await rent.waitFor();
  const place = page.url();
  for (const leave of [() => page.goBack(), () => page.keyboard.press('Escape'), () => dialog.getByRole('button', { name: 'Close' }).click()]) {
    const name = await rent.getAttribute('aria-label');
    await rent.focus();
    await page.keyboard.press('Enter');
    await dialog.waitFor();
    assert.match(page.url(), /rent=\d+/, 'what is rented is in the address');
    assert.ok(await page.evaluate(() => document.querySelector('dialog[open]').contains(document.activeElement)), 'one is within the dialog');
    await leave();
    await dialog.waitFor({ state: 'detached' });
    assert.equal(page.url(), place);
    assert.equal(await focused(page), name, 'and at what opened it');
  }
  await page.goBack();
  await page.waitForURL(/\/market$/); // not through dialogs that are over
  await who.go('/instances');
  await who.button('Stop').waitFor();
  await who.button('Stop').focus();
  await page.keyboard.press('Enter');
  await dialog.waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.equal(await focused(page), 'Stop');
  await who.go('/');
  await page.locator('body').press('/');
  await page.getByLabel('Find a GPU model').waitFor();
  await page.keyboard.press('Escape');
  assert.equal(await focused(page), 'Any GPU model');
  await page.getByLabel(/^News/).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'News' }).waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Escape');
  assert.match(await focused(page), /^News/);
  step('dialogs and lists close by Escape and by going back, and one is where one was');
}

/** From the top with Tab alone: the way past the bar comes first, nothing that is reached is unseen. */
export async function byKeyboard(who) {
  const { page } = who;
  await who.go('/instances');
  await who.button('Stop').waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await focused(page), 'To the content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'content');
  const reached = [];
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab');
    const one = await page.evaluate(() => {
      const at = document.activeElement;
      const { outlineStyle, boxShadow } = getComputedStyle(at);
      const box = at.getBoundingClientRect();
      return { name: at.getAttribute('aria-label') ?? at.textContent.trim(), isIn: document.getElementById('content').contains(at), isSeen: (outlineStyle !== 'none' || boxShadow !== 'none') && box.width > 0 };
    });
    if (!one.isIn) break;
    reached.push(one);
  }
  assert.deepEqual(reached.filter(({ isSeen }) => !isSeen), [], 'what has the focus looks like it');
  const names = reached.map(({ name }) => name);
  const at = ['Connect', 'Stop', 'Reboot', 'Destroy'].map((name) => names.indexOf(name));
  assert.ok(at.every((place) => place >= 0), names.join(', '));
  assert.deepEqual(at, [...at].sort((a, b) => a - b), 'in the order in which they stand');
  step(`${reached.length} things of an instance are reached by Tab, in their order, and seen when they are`);
}

/** The market does not answer, then has too much to do, then answers. */
export async function trouble(who) {
  const { page } = who;
  await page.route('**/api/v0/template/', (route) => route.abort());
  await who.go('/templates');
  await page.getByRole('alert').getByText('The market cannot be reached').waitFor(WAIT);
  await who.look('gone', { hasPicture: false });
  await page.unroute('**/api/v0/template/');
  await who.press('Try again');
  await page.locator('.card code').first().or(page.getByText('No template here')).first().waitFor(WAIT);
  let times = 0;
  const busy = (seconds) => (route) => route.fulfill({ status: 429, headers: { 'Retry-After': String(seconds) }, json: { success: false, error: 'rate_limit_exceeded', msg: 'Retry-After says how long to wait.' } });
  await page.route('**/api/v0/template/', (route) => (times++ === 0 ? busy(1)(route) : route.continue()));
  await page.reload();
  await page.locator('.card code').first().or(page.getByText('No template here')).first().waitFor(WAIT);
  assert.equal(times, 2, 'it has waited, and asked once more');
  await page.unroute('**/api/v0/template/');
  await page.route('**/api/v0/template/', busy(40));
  await page.reload();
  await page.getByRole('alert').getByText('Try again in 40 seconds.').waitFor(WAIT);
  await page.unroute('**/api/v0/template/');
  /* While it starts, say: no session has ended by that. */
  await page.route('**/api/v0/sessions/current/', (route) => route.fulfill({ status: 503, json: { success: false, error: 'unavailable', msg: 'It starts.' } }));
  await who.go('/billing');
  await page.getByText('It starts. This page tries again by itself.').waitFor(WAIT);
  await page.unroute('**/api/v0/sessions/current/');
  await page.getByRole('region', { name: 'What is being spent' }).waitFor(WAIT);
  who.forgive(/ERR_FAILED|status of (429|503)/);
  step('a market that is gone or busy is told of, in words, and asked again');
}

/** Ended elsewhere: told by what is asked, and by the stream of events where nothing is. */
export async function ended(who) {
  const { page } = who;
  const comeBack = async (where) => {
    await page.getByText('Your session has ended.').waitFor(WAIT);
    assert.equal(new URL(page.url()).pathname, where, 'the place is the same');
    await who.look('session-ended', { hasPicture: false });
    await who.fill('Email', who.email);
    await who.fill('Password', PASSWORD);
    await who.press('Log in');
  };
  await who.go('/instances');
  await who.button('Stop').waitFor();
  await who.context.clearCookies();
  await page.getByRole('link', { name: 'Keys', exact: true }).first().click();
  await comeBack('/keys');
  await page.getByRole('region').first().waitFor(WAIT);
  /* The stream alone says so: nothing else is asked. */
  await page.route('**/api/v0/events/', (route) => route.fulfill({ status: 401, json: { success: false, error: 'auth_error', msg: 'Over.' } }));
  await who.go('/help');
  await who.link('Log in').waitFor(WAIT); // Help is for everybody
  await page.unroute('**/api/v0/events/');
  await who.go('/instances');
  await who.fill('Email', who.email);
  await who.fill('Password', PASSWORD);
  await who.press('Log in');
  await who.button('Stop').waitFor(WAIT);
  who.forgive(/status of 401/);
  step('who is out since elsewhere is told so, and comes back to the same place');
}

/** Hundreds of instances, with names as long as they may be. */
export async function many(who) {
  const { page } = who;
  let round = 0;
  await page.route('**/api/v0/instances/', async (route) => {
    const told = await (await route.fetch()).json();
    const [one] = told.instances;
    await route.fulfill({ json: { ...told, instances: Array.from({ length: MANY }, (_, i) => ({ ...one, id: one.id + i, label: `${i} round ${round} ${LONG}`, gpu_util: i % 100 })) } });
  });
  await who.go('/instances');
  const began = Date.now();
  await page.getByText(`All (${MANY})`).waitFor({ state: 'attached', ...WAIT });
  await page.locator('article.instance h2', { hasText: 'round 0' }).nth(3).waitFor(WAIT);
  const first = Date.now() - began;
  assert.ok(await page.locator('article.instance').count() < 40, 'those far from the screen are not drawn');
  await who.look('many', { hasPicture: false });
  await page.setViewportSize({ width: 1440, height: 900 });
  assert.ok((await page.getByLabel('Label', { exact: true }).boundingBox()).width < 300, 'a choice of long names is no wider than others');
  round = 1;
  const asked = Date.now();
  await who.press('Read again');
  await page.locator('article.instance h2', { hasText: 'round 1' }).nth(3).waitFor(WAIT);
  const later = Date.now() - asked;
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  await page.locator('article.instance h2', { hasText: /^0 round 1/ }).waitFor(WAIT);
  assert.equal(await page.locator('article.instance h2 b').count(), 0, 'names are text');
  console.log(`  ${MANY} instances are there after ${first} ms, and anew after ${later} ms`);
  assert.ok(first < FIRST_MS && later < LATER_MS, `${first} ms, ${later} ms`);
  await page.unroute('**/api/v0/instances/');
  await who.go('/instances');
  await who.button('Stop').waitFor(WAIT);
  await page.evaluate(() => { localStorage.removeItem('berth-known'); localStorage.removeItem('berth-news'); });
  step(`${MANY} instances with long names fit on a page, and move`);
}

/** By what an instance is and should be: its state in a word, and what its first button says. */
const STATES = [
  [{ actual_status: 'running', intended_status: 'running', cur_state: 'running' }, 'Running', 'Connect'],
  [{ actual_status: 'offline', intended_status: 'running', cur_state: 'running' }, 'Offline', 'Offline'],
  [{ actual_status: 'exited', intended_status: 'running', cur_state: 'stopped' }, 'Scheduling', 'Scheduling'],
  [{ actual_status: null, intended_status: 'running', cur_state: 'running' }, 'Creating', 'Creating'],
  [{ actual_status: 'loading', intended_status: 'running', cur_state: 'running' }, 'Loading', 'Loading'],
  [{ actual_status: 'rebooting', intended_status: 'running', cur_state: 'running' }, 'Rebooting', 'Rebooting'],
  [{ actual_status: 'exited', intended_status: 'running', cur_state: 'running' }, 'Exited', 'Exited'],
  [{ actual_status: 'running', intended_status: 'stopped', cur_state: 'running' }, 'Stopping', 'Inactive'],
  [{ actual_status: 'exited', intended_status: 'stopped', cur_state: 'stopped' }, 'Stopped', 'Inactive'],
];

/** Each state has its word, what can be done in it, and why it is so; a bid that waits is raised by one press. */
export async function everyState(who) {
  const { page } = who;
  const raised = [];
  await page.route('**/api/v0/instances/', async (route) => {
    const told = await (await route.fetch()).json();
    const [one] = told.instances;
    const why = { stop_reason: 'outbid', stop_message: 'Outbid at $0.231 by a bid for two GPUs.', queue_position: 2, queue_length: 3, is_bid: true, num_gpus: 2, dph_base: 0.4, min_bid: 0.5 };
    await route.fulfill({ json: { ...told, instances: STATES.map(([state, word], i) => ({ ...one, id: 900 + i, ...state, ...(word === 'Scheduling' ? why : {}) })) } });
  });
  await page.route('**/api/v0/instances/bid_price/902/', async (route) => {
    raised.push(route.request().postDataJSON());
    await route.fulfill({ json: { success: true, price: 0.5, rate: 0.25, msg: 'It bids $0.25 a GPU.' } });
  });
  await who.go('/instances?sort=age'); // as they stand here
  for (const [i, [, word, button]] of STATES.entries()) {
    const card = page.getByRole('article', { name: `Instance ${900 + i}`, exact: true });
    await card.scrollIntoViewIfNeeded();
    assert.equal(await card.locator('header .chip').first().textContent(), word);
    const first = card.locator('.button.primary').first();
    assert.equal((await first.textContent()).trim(), button);
    assert.equal(await first.evaluate((one) => one.matches('button:disabled')), button !== 'Connect', `${word}: only what runs is connected to`);
    assert.equal(await card.getByRole('button', { name: 'Start', exact: true }).count(), /^Stop/.test(word) ? 1 : 0, word);
  }
  const waits = page.getByRole('article', { name: 'Instance 902', exact: true });
  await waits.getByText('Outbid at $0.231 by a bid for two GPUs. It is number 2 of 3 in line.').waitFor();
  await who.look('every-state', { hasPicture: false });
  await waits.getByRole('button', { name: /^Raise to \$0\.25/ }).click();
  await page.locator('.toasts').getByText('It bids $0.25 a GPU.').waitFor();
  assert.deepEqual(raised, [{ price: 0.5 }]);
  await page.unroute('**/api/v0/instances/');
  await page.unroute('**/api/v0/instances/bid_price/902/');
  await page.evaluate(() => { localStorage.removeItem('berth-known'); localStorage.removeItem('berth-news'); });
  step(`${STATES.length} states have their words and buttons, and a bid that waits is raised`);
}

/** The reader is far away, and came without TLS. */
export async function farAway(who) {
  const far = await who.elsewhere({ timezoneId: 'America/Los_Angeles', permissions: ['clipboard-read'] });
  const { page } = far;
  await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await far.go('/earnings');
  const shown = await page.locator('.figure', { hasText: 'Next invoice' }).locator('strong').textContent();
  assert.equal(new Date(`${shown} UTC`).getUTCDay(), 5, `${shown} is a Friday, by the days of the market`);
  await far.go('/audit');
  const told = await page.getByRole('region', { name: 'Audit log' }).locator('tbody th').first().textContent();
  const minutes = (Date.now() - new Date(`${told} PST`).getTime()) / 60000;
  assert.ok(Math.abs(minutes) < 120, `${told} is by the reader's clock`); // of summer or winter
  await far.go('/instances');
  await far.press(page.getByRole('link', { name: 'Connect' }));
  const command = await page.getByLabel('Log in', { exact: true }).textContent();
  await far.press('Copy: Log in');
  await page.getByText('It is copied.').waitFor();
  await far.go('/templates');
  await page.getByLabel('Find a template').focus();
  await page.keyboard.press('Control+V');
  assert.equal(await page.getByLabel('Find a template').inputValue(), command);
  await far.context.close();
  step('far away hours are local and days are the market\'s; and without TLS the buttons copy, too');
}

/** Nothing but the market's own scripts runs; what goes wrong in one is told to nobody. */
export async function ownScripts(who) {
  const { page } = who;
  const asked = [];
  const reply = await who.go('/market');
  const policy = reply.headers()['content-security-policy'];
  assert.match(policy, /default-src 'none'; script-src 'self';/);
  assert.doesNotMatch(policy, /unsafe|\*|https?:/);
  await page.getByRole('region', { name: 'GPUs on the market' }).waitFor(WAIT);
  const refused = page.waitForEvent('console', (message) => /Content Security Policy/.test(message.text()));
  await page.evaluate(() => { const script = document.createElement('script'); script.textContent = 'globalThis.isInjected = true'; document.head.append(script); });
  await refused;
  assert.equal(await page.evaluate(() => globalThis.isInjected), undefined);
  page.on('request', (request) => asked.push(request));
  const error = page.waitForEvent('pageerror');
  await page.evaluate(() => { setTimeout(() => { throw new Error('of a test'); }); });
  await error;
  await pause(500);
  assert.deepEqual(asked.filter((one) => one.method() !== 'GET' || !one.url().startsWith(`${options.url}/api/`)).map((one) => one.url()), []);
  who.forgive(/Content Security Policy|of a test/);
  await who.go(`/?gpu=${MODEL}`);
  step('nobody else\'s script runs, and an error in one is told to nobody');
}

/** Where machines are known as reliable a search begins with those; in a market that is too young for that, with all. */
export async function bounds(who) {
  const { page } = who;
  const USUAL = { reliability: { gte: 0.9 }, duration: { gte: 3 * 86400 } };
  const asked = [];
  const isBounded = (body) => JSON.stringify([body.reliability, body.duration]) === JSON.stringify([USUAL.reliability, USUAL.duration]);
  const cards = page.getByRole('article');
  const slider = (name) => page.getByRole('slider', { name });
  await who.go('/');
  await page.getByText('Nothing here has been seen as 90 % reliable').waitFor(WAIT);
  await cards.first().waitFor();
  const all = await settled(cards);
  await page.getByLabel(/^Reliability/).first().and(page.locator('[aria-valuetext=any]')).waitFor();
  let hasReliable = true;
  await page.route('**/api/v0/bundles/', async (route) => {
    const body = route.request().postDataJSON();
    asked.push(body);
    if (!isBounded(body)) return route.continue();
    const { reliability: _, ...others } = body;
    const reply = await route.fetch({ postData: JSON.stringify(others) });
    const told = await reply.json();
    return route.fulfill({ json: { ...told, offers: hasReliable || body.include_unavailable ? told.offers.slice(0, 1) : [] } });
  });
  await who.go('/');
  await cards.first().waitFor();
  assert.equal(await cards.count(), 1, 'reliable ones alone');
  assert.ok(isBounded(asked[0]) && all > 1);
  assert.deepEqual([await slider(/^Reliability/).getAttribute('aria-valuetext'), await slider(/^Can be had for/).getAttribute('aria-valuetext')], ['90 %', '3 days']);
  assert.ok(!page.url().includes('?'), 'what is usual is not in the address');
  await slider(/^Reliability/).fill('50');
  await page.waitForURL(/reliability=any/);
  await cards.nth(1).waitFor();
  assert.equal(asked.at(-1).reliability, undefined);
  await slider(/^Reliability/).fill('90');
  await page.waitForURL((url) => !url.search.includes('reliability'));
  hasReliable = false;
  await who.go('/?gpus=2');
  await who.see('No offer matches');
  await who.look('no-reliable', { hasPicture: false });
  await who.press('Any reliability and duration');
  await page.waitForURL(/reliability=any&days=any/);
  await cards.first().waitFor();
  await page.unroute('**/api/v0/bundles/');
  step('a search begins with what is 90 % reliable and can be had for 3 days, if there is such');
}

/** Pages that no other part comes by. */
export async function others(who) {
  const { page } = who;
  await who.go('/forgot');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await who.look('forgot', { hasPicture: false });
  await who.go('/nowhere');
  await who.see('There is no page at this address');
  await who.look('nowhere', { hasPicture: false });
}
