// SPDX-License-Identifier: Apache-2.0
// People's way through the console in the distribution's Chromium. Every page is held to axe's rules, in both
// colours and at two widths, and no script may complain. Beside it runs a whole market:
// test/console/console_test.py starts it and says where it is, as JSON.
import { earn, end, job, join, list } from './parts/host.mjs';
import { help } from './parts/help.mjs';
import { leave, mayNot } from './parts/leave.mjs';
import { billing, reserve, templates } from './parts/money.mjs';
import { nobodyElse, operate } from './parts/operator.mjs';
import { account, destroy, early, live, move, rent, search, signUp } from './parts/renter.mjs';
import { allShown } from './columns.mjs';
import { clouds, connections, news, orders, volumes } from './parts/storage.mjs';
import * as states from './parts/states.mjs';
import * as team from './parts/team.mjs';
import { allLooked, Person, run, step } from './stage.mjs';

const host = await Person.come('host@berth.test');
const visitor = await Person.come('visitor');
const operator = await Person.come('operator@berth.test');
const renter = await Person.come('renter@berth.test');
const leaver = await Person.come('leaver@berth.test');

await run([
  () => join(host), () => list(host),
  () => signUp(renter), () => search(renter), () => early(renter), () => rent(renter), () => news(renter), () => live(renter), () => billing(renter),
  () => states.pressTwice(renter), () => states.goBack(renter), () => states.byKeyboard(renter), () => states.trouble(renter), () => states.ended(renter),
  () => states.many(renter), () => states.everyState(renter), () => states.farAway(renter), () => states.ownScripts(renter), () => states.bounds(renter), () => states.others(renter),
  () => volumes(renter), () => orders(renter), () => connections(renter), () => clouds(renter),
  () => earn(host), () => team.market(visitor), () => help(visitor), () => reserve(renter),
  () => destroy(renter), () => move(renter), () => templates(renter), () => account(renter),
  () => job(host), () => end(host), () => mayNot(host, renter), () => leave(leaver),
  () => team.found(host, renter), () => team.join(host, renter), () => team.audit(host),
  () => operate(operator, renter, host), () => nobodyElse(renter),
  () => step(`all ${allLooked()} kinds of pages were looked at`),
  () => step(`all ${allShown()} columns and buttons have a source, and were seen`),
]);
