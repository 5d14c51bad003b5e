// SPDX-License-Identifier: Apache-2.0
// From an empty account to a shell on a real host, by what the page shows, and what becomes of the files there.
// test/console/engine_test.py starts the market and says where it is, as JSON.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { grant } from './parts/renter.mjs';
import { options, PASSWORD, pause, Person, run, step } from './stage.mjs';

const CLICKS_MAX = 12;
const IMAGE = 'bb:1';
const SLOW = { timeout: 120000 };
const HOW = ['-i', options.key, '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'];

const renter = await Person.come('renter@berth.test');
const host = await Person.come('host@localhost');
const { page } = renter;

/** The command that the page shows, with this test's key, and what to run. */
function words(command) {
  const [program, ...rest] = command.split(' ');
  assert.equal(program, 'ssh');
  return [...HOW, ...rest];
}
const shell = (command, what) => execFileSync('ssh', [...words(command), what], { encoding: 'utf8', timeout: 60000 }).trim();
const shownCommand = (label) => page.getByLabel(label, { exact: true }).textContent();

async function toAShell() {
  const began = Date.now();
  await renter.signUp();
  await renter.go('/');
  await renter.press(page.getByRole('button', { name: /^Rent / }));
  await renter.fill('Image', IMAGE);
  await renter.fill('Public key', readFileSync(`${options.key}.pub`, 'utf8'));
  await renter.press('Add SSH Key');
  grant(renter.email, '25.00', 'T1');
  await page.getByText('You have no credit').waitFor({ state: 'detached' });
  await renter.press(page.getByRole('button', { name: /Rent for/ }));
  await page.locator('main').getByText('Running', { exact: true }).waitFor(SLOW);
  await renter.press(page.getByRole('link', { name: 'Connect' }));
  const command = await shownCommand('Log in');
  const id = /instances\/(\d+)/.exec(page.url())[1];
  assert.equal(shell(command, 'echo kept >/root/file; hostname'), `C.${id}`);
  step(`"${command}" logs in: ${renter.clicks} clicks and ${((Date.now() - began) / 1000).toFixed(0)} s from an empty account`);
  console.log(`RESULT console_clicks_to_shell ${renter.clicks} clicks vs limit ${CLICKS_MAX} ratio ${(renter.clicks / CLICKS_MAX).toFixed(2)} better=lower`);
  assert.ok(renter.clicks <= CLICKS_MAX);
}

async function aPort() {
  const command = await shownCommand('Log in, with a port');
  assert.match(command, /^ssh -p \d+ root@[\d.]+ -L 8080:localhost:8080$/);
  const forward = spawn('ssh', [...words(command), 'echo hello >/tmp/index.html; exec httpd -f -p 8080 -h /tmp'], { stdio: 'ignore' });
  try {
    let text = '';
    for (let i = 0; i < 100 && text !== 'hello\n'; i++) {
      await pause(100);
      text = await fetch('http://localhost:8080/').then((reply) => reply.text(), () => '');
    }
    assert.equal(text, 'hello\n');
  } finally {
    forward.kill();
  }
  step(`"${command}" logs in with a port`);
}

async function itsFiles() {
  await renter.go('/instances');
  await renter.press('Stop');
  await renter.see(/goes on costing \$[\d.]+\/day/);
  await renter.press('Stop it');
  await page.getByRole('article').getByText('Stopped', { exact: true }).waitFor(SLOW);
  await renter.press('Start');
  await page.getByRole('article').getByText('Running', { exact: true }).waitFor(SLOW);
  await renter.press(page.getByRole('link', { name: 'Connect' }));
  assert.equal(shell(await shownCommand('Log in'), 'cat /root/file'), 'kept');
  await page.getByRole('link', { name: 'Log', exact: true }).last().click();
  await renter.press('Read the log');
  await page.getByLabel('Log', { exact: true }).waitFor(SLOW);
  step('its files outlast a stop');
}

async function destroy() {
  await renter.go('/instances');
  await renter.press('Destroy');
  await renter.press('Destroy it and its files');
  await page.getByText('You rent nothing yet').waitFor(SLOW);
}

/** Somebody else, by the API. */
async function rival(method, path, body) {
  const reply = await fetch(options.url + path, { method, headers: { Authorization: `Bearer ${options.rival}`, 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  assert.ok(reply.ok, `${method} ${path}: ${reply.status}`);
  return reply.json();
}

async function outranked() {
  await renter.go('/?type=bid');
  await renter.press(page.getByRole('button', { name: /^Rent / }));
  await renter.fill('Image', IMAGE);
  await renter.fill('Your bid, a GPU', '0.2');
  await renter.press(page.getByRole('button', { name: /Rent for/ }));
  await page.locator('main').getByText('Running', { exact: true }).waitFor(SLOW);
  const { offers } = await rival('POST', '/api/v0/bundles/', {});
  const made = await rival('PUT', `/api/v0/asks/${offers[0].id}/`, { image: IMAGE, disk: 4, runtype: 'ssh' });
  await page.locator('main .notice').getByText(/on.demand/i).waitFor(SLOW);
  const reason = (await page.locator('main .notice').first().textContent()).trim();
  assert.equal(await page.getByRole('button', { name: /^Raise to/ }).count(), 0, 'no bid comes before on demand');
  await page.getByRole('link', { name: 'History' }).click();
  await page.locator('.events li').nth(1).waitFor();
  await renter.look('outranked');
  await rival('DELETE', `/api/v0/instances/${made.new_contract}/`, {});
  await page.locator('main').getByText('Running', { exact: true }).waitFor(SLOW);
  step(`outranked, it says "${reason}", and runs again by itself`);
}

const NOTEBOOK = { cells: [{ cell_type: 'code', execution_count: null, metadata: {}, outputs: [], source: '' }], nbformat: 4, nbformat_minor: 4,
  metadata: { kernelspec: { display_name: 'Python 3', language: 'python', name: 'python3' } } };

/** Rented as a notebook; opened by the page's own button, through the page's own command; a cell runs in it. */
async function jupyter() {
  await renter.go('/');
  await renter.press(page.getByRole('button', { name: /^Rent / }));
  await renter.fill('Image', 'jupyter:1');
  await page.getByText('Jupyter + SSH', { exact: true }).click();
  await renter.press(page.getByRole('button', { name: /Rent for/ }));
  await page.locator('main').getByText('Running', { exact: true }).waitFor({ timeout: 240000 });
  await renter.press(page.getByRole('link', { name: 'Connect' }));
  const open = page.getByRole('link', { name: 'Open Jupyter' });
  await open.waitFor(SLOW);
  const forward = spawn('ssh', [...words(await shownCommand('Log in, with a port')), 'sleep 600'], { stdio: 'ignore' });
  try {
    const { origin, searchParams } = new URL(await open.getAttribute('href'));
    const put = () => fetch(`${origin}/api/contents/cell.ipynb?token=${searchParams.get('token')}`, { method: 'PUT', body: JSON.stringify({ type: 'notebook', content: NOTEBOOK }) });
    let made = 0;
    for (let i = 0; i < 300 && made !== 201; i++, await pause(200)) made = await put().then((reply) => reply.status, () => 0);
    assert.equal(made, 201, 'a notebook is made through the forward');
    const [book] = await Promise.all([renter.context.waitForEvent('page'), open.click()]);
    await book.getByText('cell.ipynb').waitFor(SLOW);
    await book.goto(`${origin}/notebooks/cell.ipynb`, { waitUntil: 'commit', ...SLOW });
    await book.waitForFunction(() => globalThis.Jupyter?.notebook?._fully_loaded && Jupyter.notebook.kernel?.is_connected(), null, SLOW);
    await book.evaluate(() => { Jupyter.notebook.get_cell(0).set_text('print(6 * 7)'); Jupyter.notebook.execute_cells([0]); });
    await book.locator('.output_area').getByText('42').waitFor(SLOW);
    await book.close();
  } finally {
    forward.kill();
  }
  step('"Open Jupyter" opens the notebook, and a cell runs in it');
}

const NAP = '4321'; // seconds that the host's own job sleeps for: nothing else does

/** How many containers of the job run on the host. An engine tells a container that was made anew by its image's digest, so
 * that images do not tell them apart. */
function runs() {
  const said = execFileSync('curl', ['-sS', '--unix-socket', options.engine, 'http://engine/v1.41/containers/json'], { encoding: 'utf8' });
  return JSON.parse(said).filter((one) => one.Labels['berth.instance'] && one.Command.includes(NAP)).length;
}

async function until(what, isSo) {
  for (let i = 0; i < 600; i++) {
    if (isSo()) return;
    await pause(200);
  }
  assert.fail(what);
}

/** The host's own job runs while nobody rents, makes way for who does, and comes back. */
async function idleJob() {
  await host.go('/login?to=%2Fcreate-job');
  await host.fill('Email', host.email);
  await host.fill('Password', PASSWORD);
  await host.press('Log in');
  await host.page.waitForURL(/create-job/);
  await host.page.getByRole('checkbox').first().check();
  await host.fill('Image', IMAGE);
  await host.fill('Command', `sleep ${NAP}`);
  await host.fill('Price of a GPU', '0.05');
  await host.press(host.page.locator('main').getByRole('button', { name: 'Create Job' }));
  await until('the job runs', () => runs() === 1);
  await renter.go('/');
  await renter.press(page.getByRole('button', { name: /^Rent / }));
  await renter.fill('Image', IMAGE);
  await renter.press(page.getByRole('button', { name: /Rent for/ }));
  await page.locator('main').getByText('Running', { exact: true }).waitFor(SLOW);
  assert.equal(runs(), 0, 'it has made way');
  await host.go('/machines');
  await host.page.getByRole('img', { name: '1 of 1 GPUs are rented' }).waitFor(SLOW);
  await destroy();
  await until('it runs again', () => runs() === 1);
  await host.page.getByRole('link', { name: /^m:\d+$/ }).click();
  await host.page.getByRole('link', { name: 'Job and maintenance' }).click();
  await host.press('Remove the job');
  await until('it is gone', () => runs() === 0);
  await host.go('/earnings');
  await host.page.getByRole('region', { name: 'Earnings by machine' }).waitFor(SLOW);
  step('the host\'s own job runs, makes way for a renter, runs again, and is removed; what was earned is told');
}

await run([toAShell, aPort, itsFiles, destroy, outranked, destroy, jupyter, destroy, idleJob]);
