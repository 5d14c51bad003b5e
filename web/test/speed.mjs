// SPDX-License-Identifier: Apache-2.0
// How soon search is there, and how soon a filter has done its work, in a market of so many offers: as one meets it,
// and once one has scrolled to the end of all of them. bench/console.py starts the market.
import { chromium } from 'playwright-core';

const { url, offers, rounds, trace } = JSON.parse(process.argv[2]);

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--no-proxy-server'] });

/** Milliseconds from the navigation until offers fill the screen to its lower edge and are painted. */
function watch() {
  globalThis.longest = 0;
  new PerformanceObserver((list) => { for (const one of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, one.duration); })
    .observe({ type: 'longtask', buffered: true });
  globalThis.whenPainted = new Promise((resolve) => {
    const look = () => {
      const last = [...document.querySelectorAll('article.offer')].at(-1);
      if (!last || last.getBoundingClientRect().bottom < innerHeight) return requestAnimationFrame(look);
      return requestAnimationFrame(() => setTimeout(() => resolve(performance.now()), 0));
    };
    requestAnimationFrame(look);
  });
}

/** Milliseconds from a click until all offers that are shown have two GPUs, fill the screen and are painted. */
function filter() {
  const choice = [...document.querySelectorAll('.segments label')].find((label) => label.textContent.trim() === '2');
  const began = performance.now();
  return new Promise((resolve) => {
    const look = () => {
      const cards = [...document.querySelectorAll('article.offer')];
      if (cards.length === 0 || cards.some((card) => !card.querySelector('h2').textContent.startsWith('2×'))) return;
      if (cards.at(-1).getBoundingClientRect().bottom < innerHeight) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began), 0));
    };
    const observer = new MutationObserver(look);
    observer.observe(document.querySelector('main'), { subtree: true, childList: true, characterData: true });
    choice.click();
  });
}

/** Down to where the page says that all of them are there; how many are drawn then. */
async function scrollThrough(count) {
  const told = () => Number(/^(\d+) offers$/.exec(document.querySelector('.offers > [role=status]')?.textContent ?? '')?.[1] ?? 0);
  while (told() < count) {
    scrollTo(0, document.documentElement.scrollHeight);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  return document.querySelectorAll('article.offer').length;
}

const SETTLE_MS = 4000; // a new window of Chromium's loads a hundred scripts of its own
const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
const page = await context.newPage();
const devtools = await context.newCDPSession(page);
await devtools.send('Performance.setTimeDomain', { timeDomain: 'threadTicks' });
await devtools.send('Performance.enable');
await page.addInitScript(watch);
await page.waitForTimeout(SETTLE_MS);

/** Milliseconds of the processor that the page's own thread has taken, whatever else the machine does. */
async function workOf() {
  const { metrics } = await devtools.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
}

/** With nothing in the browser's cache. */
async function measure() {
  await devtools.send('Network.clearBrowserCache');
  await page.goto('about:blank');
  await page.waitForTimeout(500);
  if (trace) await browser.startTracing(page, { path: trace, categories: ['devtools.timeline', 'loading', 'v8', 'disabled-by-default-v8.cpu_profiler'] });
  await page.goto(`${url}/?unverified=1`);
  const paint = await page.evaluate(() => globalThis.whenPainted);
  const paintWork = await workOf();
  const longest = await page.evaluate(() => globalThis.longest);
  await page.waitForTimeout(500);
  const before = await workOf();
  const filtered = await page.evaluate(filter);
  const filterWork = (await workOf()) - before;
  if (trace) await browser.stopTracing();
  await page.goto(`${url}/?unverified=1`);
  const drawn = await page.evaluate(scrollThrough, offers);
  const filteredOfAll = await page.evaluate(filter);
  return { paint, paintWork, longest, filtered, filterWork, drawn, filteredOfAll };
}

const seen = [];
await measure(); // the server's and the system's caches are those of a server in use
for (let i = 0; i < rounds; i++) seen.push(await measure());
const tell = (name, key, unit, limit) => {
  const median = seen.map((one) => one[key]).sort((a, b) => a - b)[Math.floor(rounds / 2)];
  console.log(`RESULT ${name} ${median.toFixed(0)} ${unit} vs limit ${limit} ratio ${(median / limit).toFixed(2)} better=lower`);
};
tell('console_search_paint', 'paint', 'ms', 1000);
tell('console_search_paint_cpu', 'paintWork', 'ms', 1000);
tell('console_search_long_task', 'longest', 'ms', 200);
tell('console_filter', 'filtered', 'ms', 100);
tell('console_filter_cpu', 'filterWork', 'ms', 100);
tell('console_filter_all', 'filteredOfAll', 'ms', 100);
tell('console_drawn_of_all', 'drawn', 'offers', 100);
await browser.close();
