// SPDX-License-Identifier: Apache-2.0
// Makes stripe_events.txt: headers over events, and what Stripe's own library says of them. As
// stripe.mjs; a line is: verdict, the moment of looking, secret, header, body, with tabs between.
import path from 'node:path';
import { createRequire } from 'node:module';

const VERSION = '23.1.0';
const require = createRequire(path.resolve(process.argv[2], 'package.json'));
const Stripe = require('stripe');
if (Stripe.PACKAGE_VERSION !== VERSION) throw new Error(`${VERSION} is wanted`);
const { webhooks } = new Stripe('sk_test_golden');

const secret = 'whsec_test';
const t = 1700000000;
const body = '{"id":"evt_1","object":"event"}';
const sign = (more) => webhooks.generateTestHeaderString(
    { payload: body, secret, timestamp: t, ...more });
const right = sign();
const v1 = right.split('v1=')[1];
const wrong = '0'.repeat(64);
const cases = [
    [t, right, body], [t + 300, right, body], [t + 301, right, body], [t + 299, right, body],
    [t, `t=${t},v1=${wrong},v1=${v1}`, body], [t, `t=${t},v1=${wrong}`, body],
    [t, `t=${t},v0=${v1}`, body], [t, `v1=${v1}`, body], [t, `t=${t},v1=`, body],
    [t, right, `${body} `], [t, `t=${t}, v1=${v1}`, body], [t, `t=${t},v1=${v1.toUpperCase()}`, body],
    [t, `t=${t},v1=${v1},v0=${wrong}`, body], [t, '', body], [t, `t=${t}`, body],
    [t, sign({ secret: 'whsec_other' }), body],
    [t, sign({ payload: '{"id":"evt_2","object":"event","name":"Zoë"}' }),
     '{"id":"evt_2","object":"event","name":"Zoë"}'],
];
console.log('# By test/proto/golden/stripe_events.mjs: not to be changed by hand.');
for (const [now, header, text] of cases) {
    let verdict = 'accept';
    try {
        webhooks.constructEvent(text, header, secret, 300, undefined, now * 1000);
    } catch (error) {
        verdict = 'refuse';
    }
    console.log([verdict, now, secret, header, text].join('\t'));
}
