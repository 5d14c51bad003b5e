// SPDX-License-Identifier: Apache-2.0
// How pages look, beside how they looked: where each thing on them is, how large, and in which colours. Nothing of it depends on
// the machine: the market's answers are a file, its clock stands still, and all text is set in a font of boxes.
// test/console/looks_test.py starts it and says what it needs, as JSON; what differs goes into a picture of the page.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { chromium } from 'playwright-core';

const options = JSON.parse(readFileSync(0, 'utf8')); // web, data, looks, out, font, keeps; url, email, password: record from there
const ORIGIN = 'http://berth.test';
const PAGES = [['search', '/?hours=10&in=50&out=5'], ['instances', '/instances?open=1'], ['billing', '/billing'], ['machines', '/machines'], ['earnings', '/earnings']];
const WIDTHS = [1440, 360];
const COLOURS = ['light', 'dark'];
const SLACK_PX = 3; // what browsers of other ages make of the same
const DRIFT = 0.01; // of how far down the page it is: their rounding adds up
const GROWS_MAX = 10;
const STILL_FRAMES = 30; // drawn one after the other without a change: the page has come to rest
const FRAMES_MAX = 3600; // of one that does not
const DIFFERENCES_MAX = 20; // that are told of a page
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.txt': 'text/plain' };
const BOXES = `<style>@font-face { font-family: Box; src: url(data:font/ttf;base64,${options.font}); } *, ::before, ::after { font-family: Box !important; animation: none !important; transition: none !important; caret-color: transparent !important; }</style>`;

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--no-proxy-server', '--force-device-scale-factor=1', '--hide-scrollbars'] });
const complaints = [];

/** The answer to a question is kept by its method and path: each page asks for one thing once. */
const keyOf = (request) => `${request.method()} ${new URL(request.url()).pathname}`;

/** A market of which all that pages ask for is written down, with the time at which it was. */
async function record() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: 'UTC' });
  const page = await context.newPage();
  const told = {};
  await context.route(`${options.url}/api/**`, async (route) => {
    const request = route.request();
    if (request.url().endsWith('/events/') || (request.method() !== 'GET' && !request.url().endsWith('/bundles/'))) return route.continue();
    const response = await route.fetch();
    if (response.ok()) told[keyOf(request)] = await response.json();
    return route.fulfill({ response });
  });
  await page.goto(`${options.url}/login`);
  await page.getByLabel('Email').fill(options.email);
  await page.getByLabel('Password').fill(options.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.waitForURL(`${options.url}/`);
  for (const [, path] of PAGES) {
    await page.goto(options.url + path);
    await page.waitForTimeout(7000); // pages read again every few seconds
  }
  await context.unrouteAll({ behavior: 'ignoreErrors' });
  writeFileSync(options.data, JSON.stringify({ now: Date.now(), told }, null, 1));
}

async function answer(route, { told, balance }) {
  const request = route.request();
  const { pathname } = new URL(request.url());
  if (pathname === '/api/v0/events/') return route.fulfill({ contentType: 'text/event-stream', body: `event: balance\ndata: ${JSON.stringify(balance)}\n\n` });
  if (pathname.startsWith('/api/')) {
    const json = told[keyOf(request)];
    if (json === undefined) complaints.push(`${keyOf(request)} is not in the data`);
    return json === undefined ? route.abort() : route.fulfill({ json });
  }
  const file = join(options.web, extname(pathname) ? pathname : 'index.html');
  if (!existsSync(file)) return route.abort();
  const body = readFileSync(file);
  return route.fulfill({ contentType: TYPES[extname(file)], body: extname(file) === '.html' ? body.toString().replace('</head>', `${BOXES}</head>`) : body });
}

/** Of each thing that is seen: what it is, where, how large, and its paint. */
function measure() {
  const seen = new Map();
  const round = (value) => Math.round(value * 2) / 2;
  const nameOf = (one) => {
    const said = (one.getAttribute('aria-label') ?? one.getAttribute('class') ?? '').slice(0, 40);
    const text = one.children.length === 0 ? one.textContent.trim().slice(0, 30) : '';
    const name = [one.tagName.toLowerCase(), said, text].filter(Boolean).join(' ');
    seen.set(name, (seen.get(name) ?? 0) + 1);
    return `${name} #${seen.get(name)}`;
  };
  const paintOf = (one) => {
    const style = getComputedStyle(one);
    const drawn = one.namespaceURI.endsWith('svg') ? [style.fill, style.stroke] : [];
    const border = parseFloat(style.borderTopWidth) > 0 ? style.borderTopColor : '';
    return [style.color, style.backgroundColor, border, ...drawn, style.opacity, style.fontSize, style.fontWeight, style.borderTopLeftRadius, style.textDecorationLine].join('; ');
  };
  const isSeen = (one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest('.sr, option') && one.getBoundingClientRect().width > 0;
  return [...document.querySelectorAll('body *')].filter(isSeen).map((one) => {
    const { x, y, width, height } = one.getBoundingClientRect();
    return { name: nameOf(one), box: [x + scrollX, y + scrollY, width, height].map(round), paint: paintOf(one) };
  });
}

/** Counts what a page asks for and has not been answered. Runs before the page does. */
function countQuestions() {
  const ask = globalThis.fetch;
  globalThis.unanswered = 0;
  globalThis.fetch = async (...words) => {
    globalThis.unanswered++;
    try { return await ask(...words); } finally { globalThis.unanswered--; }
  };
}

/** Nothing is asked for, loading or still to be drawn, and so many frames came without a change. Frames and not milliseconds: on a
 * machine with much else to do, the page's timers, answers and what they change come as late as its frames do; and its clock
 * stands still. */
async function rest(page) {
  const isAtRest = await page.evaluate(([frames, left]) => new Promise((done) => {
    let still = 0;
    const watch = new MutationObserver(() => { still = 0; });
    watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    const next = () => {
      const isBusy = globalThis.unanswered > 0 || document.querySelector('main [aria-busy], main .skeleton') || !document.fonts.check('16px Box');
      still = isBusy ? 0 : still + 1;
      if (still <= frames && left-- > 0) return requestAnimationFrame(next);
      watch.disconnect();
      return done(still > frames);
    };
    requestAnimationFrame(next);
  }), [STILL_FRAMES, FRAMES_MAX]);
  if (!isAtRest) complaints.push(`${page.url()} does not come to rest`);
}

/** All of a page is on the screen, so that all of it is drawn: which makes it longer than it was taken for. */
async function showAll(page, width) {
  for (let height = 0, i = 0; i < GROWS_MAX; i++) {
    const now = await page.evaluate(() => document.documentElement.scrollHeight);
    if (now === height) return;
    height = now;
    await page.setViewportSize({ width, height: Math.max(900, height) });
    await rest(page);
  }
}

const turn = (page, colour) => page.evaluate((value) => { document.documentElement.dataset.theme = value; }, colour);

/** Each thing in all colours: its box is the same in them, or it is told. */
async function look(page) {
  const all = [];
  for (const colour of COLOURS) {
    await turn(page, colour);
    all.push(await page.evaluate(measure));
  }
  const [first, ...others] = all.map((things) => new Map(things.map((one) => [one.name, one])));
  return [...first.values()].map(({ name, box, paint }) => ({ name, box, paint: [paint, ...others.map((things, i) => {
    const other = things.get(name);
    if (JSON.stringify(other?.box) !== JSON.stringify(box)) complaints.push(`${name} is elsewhere in ${COLOURS[i + 1]} colours`);
    return other?.paint;
  })].join(' | ') }));
}

/** What is elsewhere, larger or smaller, of another colour, new or gone, in words; with its box, where it has one now. */
function differences(was, now) {
  const found = [];
  const before = new Map(was.map((one) => [one.name, one]));
  const names = new Set(now.map(({ name }) => name));
  for (const { name } of was) if (!names.has(name)) found.push({ text: `${name} is gone`, box: null });
  for (const { name, box, paint } of now) {
    const old = before.get(name);
    if (!old) { found.push({ text: `${name} is new`, box }); continue; }
    const slack = [SLACK_PX, SLACK_PX + DRIFT * box[1], SLACK_PX, SLACK_PX + DRIFT * box[3]];
    if (box.some((value, i) => Math.abs(value - old.box[i]) > slack[i])) found.push({ text: `${name} was at ${old.box.join(', ')} and is at ${box.join(', ')}`, box });
    else if (paint !== old.paint) found.push({ text: `${name} was ${old.paint} and is ${paint}`, box });
  }
  return found;
}

/** As it is kept: a line each, and paints by their number, since most are alike. */
function pack(things) {
  const paints = [...new Set(things.map(({ paint }) => paint))];
  return `${JSON.stringify({ paints })}\n${things.map(({ name, box, paint }) => JSON.stringify([name, ...box, paints.indexOf(paint)])).join('\n')}\n`;
}

function unpack(text) {
  const [head, ...lines] = text.trimEnd().split('\n').map((line) => JSON.parse(line));
  return lines.map(([name, x, y, w, h, paint]) => ({ name, box: [x, y, w, h], paint: head.paints[paint] }));
}

async function compare() {
  const data = JSON.parse(readFileSync(options.data, 'utf8'));
  let count = 0;
  for (const width of WIDTHS) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, reducedMotion: 'reduce', timezoneId: 'UTC', locale: 'en-GB' });
    await context.addInitScript(countQuestions);
    await context.addInitScript(() => { localStorage.setItem('berth-session', '1'); localStorage.setItem('berth-theme', 'light'); });
    await context.route('**/*', (route) => answer(route, data));
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.clock.setFixedTime(data.now);
    for (const [name, path] of PAGES) {
      await page.goto(ORIGIN + path);
      await page.locator('main h1').waitFor();
      await rest(page);
      await showAll(page, width);
      const now = await look(page);
      const file = join(options.looks, `${name}-${width}.jsonl`);
      count++;
      if (options.keeps) writeFileSync(file, pack(now));
      else await tell(page, `${name}-${width}`, existsSync(file) ? differences(unpack(readFileSync(file, 'utf8')), now) : [{ text: 'nobody has looked at it yet: --keep', box: null }]);
      await page.setViewportSize({ width, height: 900 });
    }
    await context.close();
  }
  return count;
}

/** Pictures of the page with what differs framed. */
async function tell(page, name, found) {
  if (found.length === 0) return;
  complaints.push(`${name}: ${found.length} differ\n${found.slice(0, DIFFERENCES_MAX).map(({ text }) => `    ${text}`).join('\n')}`);
  mkdirSync(options.out, { recursive: true });
  await page.evaluate((boxes) => {
    const over = document.createElement('div');
    over.id = 'differences';
    over.style.cssText = 'position: absolute; inset: 0; z-index: 99; pointer-events: none';
    for (const [x, y, w, h] of boxes) {
      const frame = document.createElement('i');
      frame.style.cssText = `position: absolute; left: ${x}px; top: ${y}px; width: ${w}px; height: ${h}px; outline: 2px solid #f0f`;
      over.append(frame);
    }
    document.body.append(over);
  }, found.flatMap(({ box }) => (box ? [box] : [])));
  for (const colour of COLOURS) {
    await turn(page, colour);
    await page.screenshot({ path: join(options.out, `${name}-${colour}.png`) });
  }
  await page.evaluate(() => document.getElementById('differences').remove());
}

try {
  if (options.url) await record();
  else {
    const count = await compare();
    if (complaints.length === 0) console.log(`  ${count} looks, each in ${COLOURS.length} colours, ${options.keeps ? 'are kept' : 'are as they were'}`);
  }
} finally {
  await browser.close();
}
if (complaints.length > 0) {
  console.error([...new Set(complaints)].join('\n'));
  process.exitCode = 1;
}
