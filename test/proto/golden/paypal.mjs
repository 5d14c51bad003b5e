// SPDX-License-Identifier: Apache-2.0
// Makes paypal.txt: the bytes that PayPal's own library sends for each call that Berth makes. The
// library is installed somewhere outside of this tree, at the version named here:
//
//     npm install --prefix DIR @paypal/payouts-sdk@1.1.1
//     node test/proto/golden/paypal.mjs DIR > test/proto/golden/paypal.txt
//
// The library has no call that asks whether an event is genuine: that one is not here.
import http from 'node:http';
import path from 'node:path';
import { createRequire } from 'node:module';

const VERSION = '1.1.1';
const require = createRequire(path.resolve(process.argv[2], 'package.json'));
const paypal = require('@paypal/payouts-sdk');
const used = require('@paypal/payouts-sdk/package.json').version;
if (used !== VERSION) throw new Error(`payouts-sdk ${used} is installed, ${VERSION} is wanted`);

const seen = [];
const server = http.createServer((request, reply) => {
    let body = '';
    request.on('data', (chunk) => { body += chunk; });
    request.on('end', () => {
        seen.push({ method: request.method, url: request.url, headers: request.headers, body });
        reply.setHeader('content-type', 'application/json');
        reply.end('{"access_token":"A21golden","token_type":"Bearer","expires_in":32400}');
    });
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const environment = new paypal.core.SandboxEnvironment('client1', 'secret1');
environment.baseUrl = `http://127.0.0.1:${server.address().port}`;
const client = new paypal.core.PayPalHttpClient(environment);

const item = (id, value, receiver) => ({
    recipient_type: 'EMAIL', receiver, amount: { currency: 'USD', value }, sender_item_id: id,
    note: 'For the use of your machines.', recipient_wallet: 'PAYPAL', purpose: 'SERVICES' });
const create = new paypal.payouts.PayoutsPostRequest();
create.payPalRequestId('berth-inst1-3');
create.requestBody({
    sender_batch_header: { sender_batch_id: 'berth-inst1-3', email_subject: 'You have a payout' },
    items: [item('po_1', '10.00', 'a@x.io'), item('po_22', '1234.05', 'q"\\ü+b@x.io')] });
const read = new paypal.payouts.PayoutsGetRequest('5UXD2E8A7EBQJ');
read.page(2); read.pageSize(100); read.totalRequired(true);

await client.execute(create);
await client.execute(read);

const headers = ['authorization', 'content-type', 'paypal-request-id'];
console.log(`# By test/proto/golden/paypal.mjs from @paypal/payouts-sdk ${used}: not to be changed by hand.`);
['token', 'create', 'read'].forEach((name, i) => {
    const [where, query] = seen[i].url.split('?');
    console.log(`call ${name}\nline ${seen[i].method} ${where}`);
    for (const header of headers)
        if (seen[i].headers[header] !== undefined)
            console.log(`header ${header}: ${seen[i].headers[header]}`);
    for (const pair of (query ?? '').split('&').filter(Boolean).sort())
        console.log(`query ${pair}`);
    if (seen[i].body !== '')
        console.log(`body ${seen[i].body}`);
});
server.close();
