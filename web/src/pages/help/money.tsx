// SPDX-License-Identifier: Apache-2.0
/* Answers about money and trust. */
import { duration, listed, money, percent, plural } from '../../lib/format';
import { DEFAULTS } from '../../lib/query';
import type { Answer } from '../help';

export const charges: Answer[] = [
  { id: 'what-costs', q: 'What exactly do I pay for?',
    a: (r) => <><p>Four things, each with its own price, which the host sets: GPU time, while the instance runs and its host is in contact, by the second; the disk, from making to destroying it; bytes sent; bytes received. Press a price to see them apart, by hour, day and month ({r.month_hours} hours).</p>
      <p>Traffic is priced by the TB of {r.gb_per_tb} GB. Loading, stopped, scheduling and out of contact cost no GPU time.</p></> },
  { id: 'traffic', q: 'The hourly price did not include traffic.',
    a: () => <p>It cannot know how much you will move, so its price stands beside it, each way, in the breakdown and before you rent. Under Rules of an instance you can have it stopped once it has moved so many GB.</p> },
  { id: 'zero', q: 'What happens when my credit ends?',
    a: (r) => <p>You are told {listed(r.low_credit_hours)} hours ahead. At zero your instances are stopped, and not destroyed: add credit and start them. Starting anything new takes {money(r.credit_rental_min)} of credit, or what it costs for an hour, if that is more.</p> },
  { id: 'add-credit', q: 'How do I add credit? Is my card kept?',
    a: () => <p>Under <a href="/billing">Billing</a>. Where the market takes cards you pay on the provider's own page: no card number ever reaches this server, only its last four digits. Else you pay the operator by hand, with the reference shown there. There is no crypto, in or out.</p> },
  { id: 'reserved', q: 'Is it cheaper to pay ahead?',
    a: (r) => <><p>Yes, where the host allows it: {r.reserved.map(({ months, percent: off }) => `${off} % less for ${plural(months, 'month')}`).join(', ')}, evenly in between, and never more than the host's largest discount, which the offer shows under Reserved. Rent it, then press Reserve on its card.</p>
      <p>What you pay is set aside from credit that you have bought (given credit does not count), and pays that instance's GPUs and disk whatever other credit you have; traffic is paid as ever. Destroy it early, and the rest comes back less the discount that you had until then; if its host ends it, all of the rest does. Used up, it leaves an instance on demand at the full price.</p></> },
  { id: 'cap', q: 'Is there a limit on what I can spend?',
    a: (r) => <p>{r.spend_cap === null ? 'Not in this market, but your credit.' : `A new account may spend ${money(r.spend_cap)} an hour; that grows by $1 for each day, and by a tenth of what was paid.`} An instance's own limits are its rules.</p> },
  { id: 'refund', q: 'The host was down. Do I pay for that?',
    a: (r) => <p>Not for GPU time: once a host was silent for {r.lease_s} seconds nothing of it is charged. {r.downtime_credit_percent > 0 ? `Beyond that the host gives back ${r.downtime_credit_percent} % of its price for the time.` : 'This market gives nothing beyond that by itself; ask its operator.'} {r.storage_when_offline === 'charge'
      ? `The disk is charged meanwhile for at most ${r.disk_offline_hours} hours.` : 'The disk is not charged meanwhile.'}</p> },
  { id: 'balance-moves', q: 'Why does my balance move every few seconds?',
    a: () => <p>It is computed to the second, and shown every few. It is exact to a billionth of a dollar, and the same in the books: nothing is rounded but the total of a month's bill.</p> },
  { id: 'history', q: 'I destroyed an instance. Where is what it cost?',
    a: () => <p>Under <a href="/billing?tab=charges">Charges</a>, by component and price, and in the month's statement. The instance itself and its files are gone for good.</p> },
];

export const trust: Answer[] = [
  { id: 'read-my-data', q: 'Can the host read my data?',
    a: () => <><p>Yes, if they want to: it is their hardware, and whoever owns a machine can read its memory and disks. Rent accordingly, and choose data centres for what matters.</p>
      <p>Others cannot: guests are walled off from one another and from the host's network, and GPU memory is cleared before another renter's instance starts on it.</p></> },
  { id: 'secrets', q: 'Where do my secrets lie?',
    a: () => <p>Variables, registry logins and connections to cloud stores lie encrypted in the market's database, and go to a host only for your own rentals, while its hardware is what it was; what opens a store is in its memory while a copy goes on. Keys are shown once and kept as hashes; none is ever in an address.</p> },
  { id: 'reliability', q: 'What is reliability, and can I check it?',
    a: (r) => <p>The chance that a machine lasts a day without an interruption. Each interruption and each clean day moves it by a public rule; what happened to a machine is open to everybody, at <code>GET /machines/ID/history/</code>, and gives the same number. A machine without a past has {r.reliability_new_percent} %.</p> },
  { id: 'verified', q: 'What does verified mean?',
    a: (r) => <p>{r.auto_verifies ? 'This market counts every machine as verified: it is one for trying things, or for machines that its operator knows.' : 'Its operator vouches for it, or the market has tested it. Unverified ones are hidden until you ask for them, and a machine that fails is taken off for new rentals.'}
      {r.allows_simulated && ' It also lets machines join whose GPUs do not exist: they are marked as simulated.'}</p> },
  { id: 'ranking', q: 'How are offers ranked? I cannot find mine.',
    a: () => <p>By speed × memory × network × reliability ÷ price, the same for everybody; “Why here?” shows the numbers of an offer and of its neighbours. The same query gives the same order. A search begins with verified machines, {DEFAULTS.reliability} % reliable and to be had for {DEFAULTS.days} days, unless nothing in the market is that yet; the filters change it. A host sees under Rank of a machine where it stands, what keeps it out, and which price would make it first.</p> },
  { id: 'dlperf', q: 'What are DLPerf and TFLOPS?',
    a: () => <p>TFLOPS are what the maker promises, in 32 bits. DLPerf is a score for deep learning, from what the machine itself was measured to do; without a measurement there is a dash. DLPerf per dollar is often the better guide.</p> },
  { id: 'slow', q: 'The machine is slower than promised.',
    a: () => <p>Compare the card's meters and the offer's figures, report the machine, and destroy the instance: you pay for the seconds that you used. Refunds are for the operator to give; the market does not yet judge clocks and temperatures by itself.</p> },
  { id: 'talk', q: 'How do I reach the host?',
    a: () => <p>Report the machine: its host reads it, in your words, without your email. There is no conversation yet; hosts announce maintenance and give reasons, which you see in the instance's history and by mail.</p> },
  { id: 'ghosts', q: 'Can an instance be lost, or charged twice?',
    a: (r) => <p>Server and host compare what is and what should be, always, not only when something happens; what neither knows is stopped and kept. A lost or repeated report charges nothing twice. A host that is cut off keeps your instance running, and after {duration(r.lease_s)} you pay no GPU time for it until it is heard again.</p> },
  { id: 'two-factor', q: 'How do I protect my account?',
    a: (r) => <p>With a password of {r.password_min} characters or more and an authenticator app, under <a href="/settings?tab=security">Security</a>; sensitive acts ask for it again. <a href="/audit">The audit log</a> says what was done, by which session or key, from where. Keys can be made with few permissions.</p> },
  { id: 'delete-account', q: 'How do I delete my account?',
    a: () => <><p>Under <a href="/settings?tab=security">Security</a>, or with <code>berth delete account</code>, by your password and your email typed again. While something still counts it says all of it: instances, volumes, machines, a debt, payments, payouts or disputes under way, teams of yours. Bought credit and earnings are never taken in silence: spend them, move them, have them paid out, or say that you give them up. Given credit lapses.</p>
      <p>Keys, sessions, variables, cards and your name go at once; bills and the books stay, under a number. Your email is free to sign up again.</p></> },
];

export const hosting: Answer[] = [
  { id: 'become-host', q: 'How do I lend a machine? Do I need another account?',
    a: (r) => <p>No: one account does both. Under <a href="/setup">Setup</a> you get one command with a token that is good for {r.enroll_token_minutes} minutes. Nobody has to approve you. Then set your prices. You need Linux, Docker, and for GPUs NVIDIA's driver; <code>berth-host doctor</code> says what is missing.</p> },
  { id: 'share', q: 'What do I get, and when?',
    a: (r) => <p>{percent(1 - r.fee_percent / 100)} of what renters pay for GPUs, disks and traffic; the market keeps {r.fee_percent} %. You are invoiced each Friday at 00:00 UTC and paid within {r.payout_within_days} days, from {money(r.payout_min)} on: less waits for the next week. <a href="/earnings">Earnings</a> shows each payout with its state and why it failed.</p> },
  { id: 'prices', q: 'What if I change my prices?',
    a: () => <p>Rentals that run keep theirs. New ones get the new. Set Prices shows what others ask for the same model, and what you would get.</p> },
  { id: 'min-bid', q: 'How do I set a minimum bid, or keep my GPUs busy?',
    a: () => <p>By the lowest bid under Set Prices, or by a job of your own (<a href="/create-job">Create Job</a>): bids start above its price. It runs on GPUs that nobody rents, on all of them or as many as you say, free of charge and fee, and makes way for any renter at once. “ubuntu” with “bash” only sets the floor.</p> },
  { id: 'own-rent', q: 'Can I rent my own machine, to try it?',
    a: () => <p>Yes, on demand, as any renter would. You cannot bid on it: give it a job of your own instead, which everybody can see.</p> },
  { id: 'estimate', q: 'What would my machine earn?',
    a: () => <p>Ask under <a href="/market">Market</a>: low, middle and high of what machines like it earned that were rented in the last 30 days, with how many that were.</p> },
  { id: 'unlist', q: 'How do I take a machine away?',
    a: (r) => <p>Unlist it: nobody new can rent it, and what runs goes on until its end. If you need it back, take it back: who rents on demand gets {r.reclaim_hours} hours of notice and your reason. Once nothing is on it you can remove it.</p> },
  { id: 'remove-gpu', q: 'May I take out or swap a GPU?',
    a: () => <p>Other hardware under a machine's key is quarantined until the operator has looked: its instances stay stopped, and get nothing that their renters gave. So unlist it, wait until nothing is on it, remove it and let it join again.</p> },
  { id: 'fake', q: 'What keeps others from pretending to have better hardware?',
    a: () => <p>Hardware is fingerprinted when a machine joins and at each session; what does not fit is quarantined. Offers show what the machine itself was measured to do, and renters report what is not as offered.</p> },
  { id: 'fleet', q: 'How do I watch many machines?',
    a: () => <p><a href="/machines">Machines</a> shows all of them with their errors, which go away by themselves once they are mended; <code>berth show machines --raw</code> gives JSON, and webhooks tell of what happens. The operator has <code>/metrics</code>.</p> },
  { id: 'gpu-lost', q: 'A GPU vanished inside a container.',
    a: () => <p>Reboot the instance: it keeps its disk and GPUs. If it does not come back, the machine's error says what its driver says, and failed starts lower its reliability until it is mended.</p> },
  { id: 'visible', q: 'Can renters see my network?',
    a: () => <p>They see your public address, and reach the internet through it, as any browser of yours would. They do not reach your network, other guests, or the machine itself. <code>--guest-up</code> and <code>--guest-down</code> limit how fast they are.</p> },
];
