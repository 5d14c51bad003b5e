// SPDX-License-Identifier: Apache-2.0
// How soon search is there, and how soon a filter has done its work, in a market of so many offers: of the
// first page of them, as one meets it, and of all at once, of which those that can be seen are drawn. bench/console.py starts the market.
import { chromium } from 'playwright-core';

const { url, offers, rounds } = JSON.parse(process.argv[2]);
const PAGE = 40;

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--no-proxy-server'] });

/** Milliseconds from the navigation until that many offers are there, and those in sight painted. */
function watch(count) {
  globalThis.whenPainted = new Promise((resolve) => {
    const look = () => {
      const told = [...document.querySelectorAll('main [role=status]')].some((one) => one.textContent === `${count} offers`);
      if (!told || document.querySelectorAll('article.offer').length < Math.min(count, 40)) return requestAnimationFrame(look);
      return requestAnimationFrame(() => setTimeout(() => resolve(performance.now()), 0));
    };
    requestAnimationFrame(look);
  });
}

/** Milliseconds from a click until all offers that are shown have two GPUs and are painted. */
function filter() {
  const choice = [...document.querySelectorAll('.segments label')].find((label) => label.textContent.trim() === '2');
  const began = performance.now();
  return new Promise((resolve) => {
    const look = () => {
      const names = [...document.querySelectorAll('article.offer h2')];
      if (names.length === 0 || names.some((name) => !name.textContent.startsWith('2×'))) return;
      observer.disconnect();
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began), 0));
    };
    const observer = new MutationObserver(look);
    observer.observe(document.querySelector('main'), { subtree: true, childList: true, characterData: true });
    choice.click();
  });
}

async function measure(path, count) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.addInitScript(watch, count);
  await page.goto(url + path);
  const paint = await page.evaluate(() => globalThis.whenPainted);
  await page.waitForTimeout(500);
  const filtered = await page.evaluate(filter);
  await context.close();
  return { paint, filtered };
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

for (const [name, path, count] of [['', '/?unverified=1', PAGE], ['_all', `/?unverified=1&pages=${offers / PAGE}`, offers]]) {
  const seen = [];
  await measure(path, count); // the server's and the system's caches are those of a server in use
  for (let i = 0; i < rounds; i++) seen.push(await measure(path, count));
  const paint = median(seen.map((one) => one.paint));
  const filtered = median(seen.map((one) => one.filtered));
  console.log(`RESULT console_search_paint${name} ${paint.toFixed(0)} ms vs limit 1000 ratio ${(paint / 1000).toFixed(2)} better=lower`);
  console.log(`RESULT console_filter${name} ${filtered.toFixed(0)} ms vs limit 100 ratio ${(filtered / 100).toFixed(2)} better=lower`);
}
await browser.close();
