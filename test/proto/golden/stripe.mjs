// SPDX-License-Identifier: Apache-2.0
// Makes stripe.txt: the bytes that Stripe's own library sends for each call that Berth makes. The
// library is installed somewhere outside of this tree, at the version named here:
//
//     npm install --prefix DIR stripe@23.1.0
//     node test/proto/golden/stripe.mjs DIR > test/proto/golden/stripe.txt
import http from 'node:http';
import path from 'node:path';
import { createRequire } from 'node:module';

const VERSION = '23.1.0';
const require = createRequire(path.resolve(process.argv[2], 'package.json'));
const Stripe = require('stripe');
const used = Stripe.PACKAGE_VERSION;
if (used !== VERSION) throw new Error(`stripe ${used} is installed, ${VERSION} is wanted`);

let seen = null;
const server = http.createServer((request, reply) => {
    let body = '';
    request.on('data', (chunk) => { body += chunk; });
    request.on('end', () => {
        seen = { method: request.method, url: request.url, headers: request.headers, body };
        reply.setHeader('content-type', 'application/json');
        reply.end('{"id":"x_1","object":"list","data":[],"has_more":false}');
    });
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const stripe = new Stripe('sk_test_golden', {
    host: '127.0.0.1', port: server.address().port, protocol: 'http', maxNetworkRetries: 0,
    apiVersion: '2026-10-28.endive', telemetry: false,
});
const key = { idempotencyKey: 'berth:inst1:1:1' };
const mine = { berth_installation: 'inst1' };
const calls = {
    customer: () => stripe.customers.create(
        { email: 'a+b@x.io', name: 'A B', metadata: { berth_user: 42, ...mine } }, key),
    pay_page: () => stripe.checkout.sessions.create({
        mode: 'payment', customer: 'cus_1', client_reference_id: 'dep_7',
        line_items: [{ quantity: 1, price_data: {
            currency: 'usd', unit_amount: 2500, product_data: { name: 'Berth credit' } } }],
        payment_intent_data: {
            setup_future_usage: 'off_session', metadata: { deposit: 'dep_7', ...mine } },
        success_url: 'https://m.example/ok?s={CHECKOUT_SESSION_ID}',
        cancel_url: 'https://m.example/no', metadata: { deposit: 'dep_7', ...mine } }, key),
    card_page: () => stripe.checkout.sessions.create({
        mode: 'setup', currency: 'usd', customer: 'cus_1',
        success_url: 'https://m.example/ok?s={CHECKOUT_SESSION_ID}',
        cancel_url: 'https://m.example/no', metadata: { card: 'card_3', ...mine } }, key),
    setup: () => stripe.setupIntents.create({
        customer: 'cus_1', usage: 'off_session', automatic_payment_methods: { enabled: true } },
        key),
    charge: () => stripe.paymentIntents.create({
        amount: 2500, currency: 'usd', customer: 'cus_1', payment_method: 'pm_1',
        off_session: true, confirm: true, description: "Berth's (credit) *!",
        metadata: { deposit: 'dep_8', ...mine } }, key),
    read_intent: () => stripe.paymentIntents.retrieve('pi_1',
        { expand: ['latest_charge.balance_transaction'] }),
    read_page: () => stripe.checkout.sessions.retrieve('cs_1'),
    list_cards: () => stripe.customers.listPaymentMethods('cus_1', { type: 'card' }),
    refund: () => stripe.refunds.create({
        payment_intent: 'pi_1', amount: 1000, reason: 'requested_by_customer',
        metadata: { refund: 'rf_1', ...mine } }, key),
    account: () => stripe.accounts.create({
        country: 'US', email: 'h@x.io', capabilities: { transfers: { requested: true } },
        controller: { fees: { payer: 'application' }, losses: { payments: 'application' },
                      stripe_dashboard: { type: 'express' } },
        settings: { payouts: { schedule: { interval: 'manual' } } },
        metadata: { berth_host: 9, ...mine } }, key),
    account_link: () => stripe.accountLinks.create({
        account: 'acct_1', type: 'account_onboarding', refresh_url: 'https://m.example/again',
        return_url: 'https://m.example/done' }, key),
    transfer: () => stripe.transfers.create({
        amount: 7500, currency: 'usd', destination: 'acct_1', transfer_group: 'payrun_2026-11-20',
        metadata: { payout: 'po_1', ...mine } }, key),
    reversal: () => stripe.transfers.createReversal('tr_1', { amount: 7500 }, key),
    payout: () => stripe.payouts.create(
        { amount: 7500, currency: 'usd', statement_descriptor: 'BERTH' },
        { stripeAccount: 'acct_1', ...key }),
    evidence: () => stripe.disputes.update('dp_1', {
        evidence: { uncategorized_text: 'It ran: 3 h & 4 min.' }, submit: false }, key),
    evidence_submit: () => stripe.disputes.update('dp_1', {
        evidence: {
            access_activity_log: '2026-11-20 09:00 UTC, 192.0.2.7: login\nand so on',
            billing_address: '1 Way, Umeå', customer_email_address: 'a+b@x.io', customer_name: 'A B',
            customer_purchase_ip: '192.0.2.7', product_description: 'GPU time; $25.00',
            service_date: '2026-11-20', uncategorized_text: 'Receipt REC-2026-000001\n100% used',
        }, submit: true }, key),
    list_money: () => stripe.balanceTransactions.list(
        { created: { gte: 1700000000 }, limit: 100 }),
    list_events: () => stripe.events.list(
        { types: ['charge.dispute.created'], created: { gte: 1700000000 }, limit: 100,
          starting_after: 'evt_9' }),
    list_transfers: () => stripe.transfers.list(
        { transfer_group: 'payrun_2026-11-20', destination: 'acct_1', limit: 100 }),
    list_intents: () => stripe.paymentIntents.list(
        { customer: 'cus_1', created: { gte: 1700000000 }, limit: 100 }),
    list_refunds: () => stripe.refunds.list({ payment_intent: 'pi_1', limit: 100 }),
    list_payouts: () => stripe.payouts.list(
        { created: { gte: 1700000000 }, limit: 100 }, { stripeAccount: 'acct_1' }),
    read_refund: () => stripe.refunds.retrieve('re_1', { expand: ['balance_transaction'] }),
    read_transfer: () => stripe.transfers.retrieve('tr_1', { expand: ['balance_transaction'] }),
    read_dispute: () => stripe.disputes.retrieve('dp_1'),
    read_account: () => stripe.accounts.retrieve('acct_1'),
};

const headers = ['authorization', 'content-type', 'accept', 'stripe-version', 'idempotency-key',
                 'stripe-account'];
console.log(`# By test/proto/golden/stripe.mjs from stripe ${used}: not to be changed by hand.`);
for (const [name, call] of Object.entries(calls)) {
    await call();
    const [where, query] = seen.url.split('?');
    console.log(`call ${name}\nline ${seen.method} ${where}`);
    for (const header of headers)
        if (seen.headers[header] !== undefined)
            console.log(`header ${header}: ${seen.headers[header]}`);
    for (const pair of (query ?? '').split('&').filter(Boolean).sort())
        console.log(`query ${pair}`);
    for (const pair of seen.body.split('&').filter(Boolean).sort())
        console.log(`pair ${pair}`);
}
server.close();
