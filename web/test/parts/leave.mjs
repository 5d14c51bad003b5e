// SPDX-License-Identifier: Apache-2.0
// Who leaves the market: what stands against it, and that nothing but the books is left.
import assert from 'node:assert/strict';
import { PASSWORD, step, WAIT } from '../stage.mjs';

const reasons = (page) => page.getByRole('list', { name: 'What stands against it' });

/** A host with a machine may not; a renter with bought credit may, by saying that it is given up. */
export async function mayNot(host, renter) {
  await host.go('/settings?tab=security');
  const machine = reasons(host.page).getByRole('link', { name: '1 machine', exact: true });
  await machine.waitFor(WAIT);
  assert.ok(await host.button('Delete account').isDisabled());
  await machine.click();
  await host.page.waitForURL(/\/machines/);
  await renter.go('/settings?tab=security');
  await reasons(renter.page).getByText('of bought credit').waitFor(WAIT);
  await renter.press('Delete account');
  await renter.fill(`Type ${renter.email} to confirm`, renter.email);
  await renter.fill('Password', PASSWORD);
  assert.ok(await renter.button('Delete it for good').isDisabled(), 'bought credit is given up by a tick alone');
  await renter.page.getByLabel(/^I give up \$[\d,.]+: nobody gets it back$/).check();
  assert.ok(await renter.button('Delete it for good').isEnabled());
  await renter.look('delete-account');
  await renter.press('Keep it');
  await renter.page.getByRole('dialog').waitFor({ state: 'detached' });
  step('an account is told what stands against deleting it, and what it would give up');
}

export async function leave(who) {
  const { page } = who;
  await who.signUp();
  await who.go('/settings?tab=security');
  await who.see('Nothing stands against it.');
  await who.press('Delete account');
  await who.fill(`Type ${who.email} to confirm`, 'somebody@else.test');
  await who.fill('Password', 'not the password');
  assert.ok(await who.button('Delete it for good').isDisabled(), 'the email is typed');
  await who.fill(`Type ${who.email} to confirm`, who.email);
  await who.press('Delete it for good');
  await page.getByRole('dialog').getByText(/password/).first().waitFor(WAIT);
  who.forgive(/400|api\/v0\/users/);
  await who.fill('Password', PASSWORD);
  await who.press('Delete it for good');
  await page.waitForURL((url) => url.pathname === '/', WAIT);
  await who.see('The account is deleted.');
  assert.deepEqual((await who.context.cookies()).filter(({ value }) => value !== ''), [], 'nothing of the session is left');
  await who.link('Sign up').waitFor(WAIT);
  await who.go('/login');
  await who.fill('Email', who.email);
  await who.fill('Password', PASSWORD);
  await who.press('Log in');
  await page.getByRole('alert').waitFor(WAIT);
  who.forgive(/400|api\/v0\/users/);
  await who.signUp();
  step('an account is deleted: it cannot log in, and its email signs up anew');
}
