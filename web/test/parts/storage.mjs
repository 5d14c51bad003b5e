// SPDX-License-Identifier: Apache-2.0
// What outlasts an instance, what is waited for, and who else is told: volumes, standing orders, webhooks, variables, the bell.
import assert from 'node:assert/strict';
import { shows } from '../columns.mjs';
import { MODEL, step, WAIT } from '../stage.mjs';

/** Once something runs. */
export async function news(who) {
  const { page } = who;
  await page.getByLabel(/^News: \d+ unread/).click();
  await page.locator('.bell li').getByText(/runs\.$/).waitFor(WAIT);
  await who.look('news');
  await page.locator('main h1').click();
  await page.getByLabel('News', { exact: true }).waitFor();
  await page.reload();
  await page.getByLabel('News', { exact: true }).click();
  assert.equal(await page.locator('.bell li.unread').count(), 0, 'what was read stays read');
  await page.keyboard.press('Escape');
  step('the bell says what has happened, until it was read');
}

export async function volumes(who) {
  const { page } = who;
  await who.go('/volumes');
  await who.see('You have no volumes');
  await who.press('Make a volume');
  await page.getByLabel(/^Space on machine/).first().check();
  await who.fill('Volume Size', '20');
  await who.fill('Name', 'datasets');
  await page.getByLabel(/^Space on machine/).first().check();
  await who.look('make-volume');
  await who.press('Make the volume');
  await page.getByRole('region', { name: 'Volumes' }).getByText('datasets').waitFor(WAIT);
  await shows(who, 'volumes');
  await who.look('volumes');
  await who.press('Clone');
  await page.getByRole('dialog').getByText(/It costs \$[\d.]+\/day from now on/).waitFor(WAIT);
  await who.look('clone');
  await page.keyboard.press('Escape');
  const machine = (await page.locator('dl.facts').getByText(/^m:\d+$/).textContent()).slice(2);
  await page.getByRole('link', { name: 'Rent instance using this volume' }).click();
  await page.waitForURL(new RegExp(`machine=${machine}&volume=`));
  await page.getByText(/\d+ offers$/).first().waitFor({ state: 'attached' });
  await who.go('/volumes');
  await who.press('Delete');
  await who.see('is deleted for good');
  await who.press('Delete it and its data');
  await who.see('You have no volumes');
  step('a volume is made, seen, rented with, and deleted');
}

export async function orders(who) {
  const { page } = who;
  await who.go('/orders');
  await who.see('You wait for nothing');
  await who.go('/?gpu=RTX+4090&gpus=4&price=0.01');
  await who.see('No offer matches');
  await who.press('Wait for it');
  await page.getByRole('dialog').getByText('4×, RTX 4090, at most $0.01/h, verified').waitFor();
  await page.getByRole('dialog').getByText('Rent it and start').click();
  await who.fill('Name', 'four cheap ones');
  await who.look('wait');
  await page.getByRole('dialog').getByRole('button', { name: 'Wait for it' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await who.go('/orders');
  await page.getByRole('region', { name: 'Standing orders' }).getByText('four cheap ones').waitFor();
  await shows(who, 'orders');
  await who.look('orders');
  await page.getByRole('button', { name: /^Cancel order/ }).click();
  await page.getByRole('region', { name: 'Standing orders' }).getByText('cancelled').waitFor(WAIT);
  /* And a bid, with all that there is to say of it. */
  await who.go(`/?type=bid&gpu=RTX+5090&gpus=1`);
  await page.getByRole('button', { name: /^Rent 1× RTX 5090/ }).first().click();
  await shows(who, 'bid');
  await who.look('bid');
  await page.keyboard.press('Escape');
  assert.ok(MODEL);
  step('an order waits for what there is not yet, and is cancelled; a bid says its floor, its total and its notice');
}

export async function connections(who) {
  const { page } = who;
  await who.go('/settings?tab=webhooks');
  await who.see('No webhook yet');
  await who.press('Add a webhook');
  await who.fill('Name', 'ops');
  await who.fill('Address', 'http://hooks.example.org/berth');
  await who.press('Add it');
  await page.getByRole('dialog').getByRole('alert').waitFor();
  who.complaints = who.complaints.filter((text) => !/webhooks/.test(text)); // it was refused, as it should be
  await who.fill('Address', 'https://hooks.example.org/berth');
  await who.press('Add it');
  await page.getByLabel('Secret of the webhook', { exact: true }).waitFor();
  await who.look('webhooks');
  await who.press('I have kept it');
  await page.getByRole('button', { name: 'Change ops' }).click();
  await page.getByRole('dialog').getByRole('checkbox').first().uncheck();
  await page.getByRole('dialog').getByRole('button', { name: 'Keep it' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Another secret for ops' }).click();
  await page.getByLabel('Secret of the webhook', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Remove ops' }).click();
  await who.see('No webhook yet');
  await who.go('/settings?tab=variables');
  await who.fill('Name of the variable', 'hf_token');
  await who.fill('Value', 'hf_secret');
  await who.press('Keep it');
  await page.getByRole('region', { name: 'Environment variables' }).getByText('HF_TOKEN').waitFor();
  assert.equal(await page.getByText('hf_secret').count(), 0, 'values never come back');
  await who.look('variables');
  await page.getByRole('button', { name: 'Forget HF_TOKEN' }).click();
  await who.see('There are none yet.');
  await who.see('No connection yet');
  step('webhooks are added, changed and removed; variables are kept and forgotten');
}

/** What the market asks of each kind, and takes. */
const KINDS = { s3: ['Access key', 'Secret key'], b2: ['Key id', 'Application key'], gcs: ['Service account'], azureblob: ['Storage account', 'Account key'], drive: ['Service account'], dropbox: ['Token'], webdav: ['Address'] };

export async function clouds(who) {
  const { page } = who;
  const dialog = page.getByRole('dialog');
  await who.go('/settings?tab=variables');
  for (const [kind, parts] of Object.entries(KINDS)) {
    await who.press('Add a connection');
    await who.fill('Name', `${kind} of mine`);
    await page.getByLabel('Kind of store').selectOption(kind);
    assert.deepEqual(await dialog.locator(':is(input, textarea):required').evaluateAll((all) => all.map((one) => one.labels[0].textContent)), ['Name', ...parts], kind);
    for (const part of parts) await who.fill(part, part === 'Address' ? 'https://dav.example.org' : 'canary');
    if (kind === 'webdav') await who.look('connection');
    await who.press('Keep the connection');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('region', { name: 'Cloud connections' }).getByText(`${kind} of mine`).waitFor(WAIT);
  }
  assert.equal(await page.getByText('canary').count(), 0, 'what opens a store never comes back');
  await shows(who, 'connections');
  await who.look('connections');
  await who.go('/instances');
  await page.getByRole('button', { name: /^Cloud copy of instance/ }).click();
  await who.fill('There', 'bucket/run1');
  await page.getByLabel('Only try it').check();
  await shows(who, 'clouds');
  await who.look('cloud-copy');
  await who.press('Copy it');
  await dialog.waitFor({ state: 'detached' });
  await page.locator('.toasts').getByText(/copy/i).first().waitFor();
  await page.getByRole('button', { name: /^Cloud copy of instance/ }).click();
  await who.press('Cancel the copy that goes on');
  await page.locator('.toasts p').nth(1).waitFor();
  await page.keyboard.press('Escape');
  await who.go('/settings?tab=variables');
  for (const kind of Object.keys(KINDS)) {
    await page.getByRole('button', { name: `Forget ${kind} of mine` }).click();
    await page.getByText(`${kind} of mine`).waitFor({ state: 'detached' });
  }
  await who.see('No connection yet');
  step('connections to every kind of store are kept and forgotten; a copy begins by one, and is cancelled');
}
