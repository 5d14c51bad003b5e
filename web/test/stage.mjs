// SPDX-License-Identifier: Apache-2.0
// What the parts of the console's test share: people, each with a browser of their own, and what every page is held to.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

export const options = JSON.parse(process.argv[2]); // url, data, bin, shots, failed, quick: without looking at pages
export const PASSWORD = 'correct horse battery';
/** What the host lends that pretends; nobody else has it. */
export const MODEL = 'L40S';
export const WAIT = { timeout: 30000 };

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WIDTHS = [360, 1440];
const QUALITY = 50;
const FRAME = 87; // pixels of the window
const SETTLE_MS = 250; // until what a larger view shows is drawn
const HEIGHT_MAX = 2200; // of a picture; what is below repeats itself

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--no-proxy-server'] });
const everybody = [];
const looked = new Set(); // paths
const wrong = []; // what pages were found to break, all of it told at the end
const hosts = [];

/** A host that pretends, on the account of whose token it has. */
export function simulate(token, gpus) {
  const log = join(options.data, `../host-${hosts.length}.log`);
  hosts.push(spawn(join(options.bin, 'sim-host'), ['--server', options.url, '--token', token, '--gpus', String(gpus), '--gpu-name', MODEL],
    { stdio: ['ignore', 'ignore', openSync(log, 'w')] }));
}

export const step = (text) => console.log(`  ${text}`);
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** How many there are once no more come: a list may be drawn in parts, or asked for again. */
export async function settled(locator) {
  for (let before = -1; ;) {
    const count = await locator.count();
    if (count === before) return count;
    before = count;
    await pause(500);
  }
}
export const result = (name, value, unit, limit) =>
  console.log(`RESULT ${name} ${value} ${unit} vs limit ${limit} ratio ${(value / limit).toFixed(2)} better=lower`);

/** Tables whose columns are cut off, and tabs whose present one is out of sight. */
function misfits() {
  const inView = (tab, nav) => tab.left >= nav.left - 1 && tab.right <= nav.right + 1;
  const tables = [...document.querySelectorAll('.table')].filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1);
  const tabs = [...document.querySelectorAll('.tabs')].filter((nav) => {
    const here = nav.querySelector('[aria-current]');
    return here && !inView(here.getBoundingClientRect(), nav.getBoundingClientRect());
  });
  return [...tables.map((one) => `the table "${one.getAttribute('aria-label')}" is ${one.scrollWidth} px wide where there are ${one.clientWidth}`),
    ...tabs.map((one) => `the present tab of "${one.getAttribute('aria-label')}" is out of sight`)];
}

const given = new Set();

/** The code of the newest mail to somebody; none twice, as the next mail may take a moment. */
export async function mailedCode(email) {
  const outbox = join(options.data, 'outbox');
  for (let i = 0; i < 300; i++) {
    for (const name of readdirSync(outbox).filter((one) => one.endsWith('.eml')).sort().reverse()) {
      const mail = readFileSync(join(outbox, name), 'utf8');
      const found = /Code: (\S+)\r\n/.exec(mail);
      if (!found || !mail.includes(email) || given.has(found[1])) continue;
      given.add(found[1]);
      return found[1];
    }
    await pause(50);
  }
  throw new Error(`no code came to ${email}`);
}

/** Whom a page may ask: the market, and where it leads to the provider of payments. Who else is asked, be it of an error in a
 * script, is a complaint. */
const KNOWN = [options.url, options.market, options.provider].filter(Boolean);

/** Somebody with a browser: a page, and words for what one does with it. */
export class Person {
  static async come(email, more = {}) {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce', acceptDownloads: true, ...more });
    const one = new Person();
    Object.assign(one, { email, context, page: await context.newPage(), complaints: [], clicks: 0 });
    one.page.on('request', (request) => { if (!KNOWN.includes(new URL(request.url()).origin) && !/^(data|blob):/.test(request.url())) one.complaints.push(`it asked ${request.url()}`); });
    one.page.on('console', (message) => { if (message.type() === 'error') one.complaints.push(`${message.text()} ${message.location().url}`); });
    one.page.on('pageerror', (error) => one.complaints.push(String(error)));
    one.page.setDefaultTimeout(30000);
    everybody.push(one);
    return one;
  }

  /** The same person in another browser, which is as `more` says. */
  async elsewhere(more) { return Person.come(this.email, { storageState: await this.context.storageState(), ...more }); }

  /** What the browser has said of an answer that was asked for is no complaint. */
  forgive(what) { this.complaints = this.complaints.filter((text) => !what.test(text)); }

  go(path) { return this.page.goto(`${options.url}${path}`); }
  button(name) { return this.page.getByRole('button', { name, exact: true }); }
  link(name) { return this.page.getByRole('link', { name, exact: true }); }
  see(text) { return this.page.getByText(text).first().waitFor(WAIT); }
  async press(what) { this.clicks++; await (typeof what === 'string' ? this.button(what) : what).first().click(); }
  fill(label, text) { return this.page.getByLabel(label, { exact: true }).first().fill(String(text)); }

  async signUp() {
    await this.go('/signup');
    await this.fill('Email', this.email);
    await this.fill('New password', PASSWORD);
    await this.press('Send me a code');
    await this.see('We have sent a code to');
    await this.fill('Code from the mail', await mailedCode(this.email));
    await this.press('Make the account');
    await this.see('first API key');
    await this.press('I have kept it');
  }

  /** In a world of its own, whose scripts the page's policy does not bind. */
  async violations() {
    const session = await this.context.newCDPSession(this.page);
    const { frameTree } = await session.send('Page.getFrameTree');
    const { executionContextId: contextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id });
    await session.send('Runtime.evaluate', { expression: axe, contextId });
    const { result: found } = await session.send('Runtime.evaluate', { contextId, awaitPromise: true, returnByValue: true,
      expression: `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }).then(({ violations }) =>
        violations.map((one) => one.id + ': ' + one.nodes.map((node) => node.html.slice(0, 160)).join(' | ')))` });
    await session.detach();
    return found.value;
  }

  /** As tall as what is on it, where no dialog lies over it. */
  async shoot(name) {
    const session = await this.context.newCDPSession(this.page);
    const toasts = (value) => this.page.evaluate((shown) => { document.querySelector('.toasts').style.visibility = shown; }, value);
    const view = this.page.viewportSize();
    const tall = await this.page.evaluate(() => (document.querySelector('dialog[open]') ? 0 : document.documentElement.scrollHeight));
    await toasts('hidden'); // of what was done on the way to this page
    if (tall > view.height) await this.page.setViewportSize({ width: view.width, height: Math.min(HEIGHT_MAX, tall) });
    const { width, height } = this.page.viewportSize();
    /* A picture ends where the window does, and the window has a frame that the view does not reckon with. */
    const { windowId } = await session.send('Browser.getWindowForTarget');
    await session.send('Browser.setWindowBounds', { windowId, bounds: { width, height: height + FRAME } });
    await pause(SETTLE_MS);
    const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: QUALITY });
    await this.page.setViewportSize(view);
    await toasts('');
    await session.detach();
    writeFileSync(join(options.shots, `${name}.webp`), Buffer.from(data, 'base64'));
  }

  /** A page as it is in both colours and at both widths: no violation, nothing that sticks out, and a picture of each, unless
   * it is like another's. */
  async look(name, { hasPicture = true } = {}) {
    looked.add(new URL(this.page.url()).pathname);
    if (options.quick) return;
    await this.page.evaluate(() => scrollTo(0, 0));
    for (const colour of ['light', 'dark']) {
      /* Not by its button, which a dialog would cover. */
      await this.page.evaluate((value) => { document.documentElement.dataset.theme = value; }, colour);
      for (const width of WIDTHS) {
        await this.page.setViewportSize({ width, height: width === 360 ? 780 : 900 });
        for (const one of await this.violations()) wrong.push(`${name}, ${colour}, ${width} px: ${one}`);
        for (const one of await this.page.evaluate(misfits)) wrong.push(`${name}, ${width} px: ${one}`);
        const wide = await this.page.evaluate(() => document.documentElement.scrollWidth);
        if (wide > width) wrong.push(`${name} is ${wide} px wide where there are ${width}`);
        if (hasPicture) await this.shoot(`${name}-${colour}-${width}`);
      }
    }
    await this.page.evaluate(() => { document.documentElement.dataset.theme = 'light'; });
  }
}

/** Every page of the console was looked at. */
export function allLooked() {
  const pages = [...readFileSync(new URL('../src/app.tsx', import.meta.url), 'utf8').matchAll(/pattern: \/(.*)\/,/g)].map(([, text]) => new RegExp(text));
  assert.ok(pages.length > 20);
  assert.deepEqual(pages.filter((page) => ![...looked].some((path) => page.test(path))), [], 'pages that nobody looked at');
  return pages.length;
}

/** Runs the parts one after the other; what a browser has complained of by then is a failure. */
export async function run(parts) {
  try {
    for (const part of parts) await part();
    const unexpected = everybody.flatMap(({ complaints }) => complaints).filter((text) => !/status of 404/.test(text)); // a log that is not there yet
    assert.deepEqual(unexpected, [], 'what the console of the browser says');
    assert.deepEqual(wrong, [], 'what pages break');
  } catch (error) {
    for (const [i, { page, complaints, email }] of everybody.entries()) {
      await page.screenshot({ path: options.failed.replace('.png', `-${i}.png`) }).catch(() => undefined);
      console.error(email, page.url(), complaints.join('\n'));
    }
    throw error;
  } finally {
    hosts.forEach((host) => host.kill());
    await browser.close();
  }
}
