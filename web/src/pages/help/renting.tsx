// SPDX-License-Identifier: Apache-2.0
/* Answers about renting. Each number in them is the server's own: `r` is what GET /rules/ says. */
import { duration, money } from '../../lib/format';
import type { Answer } from '../help';

export const renting: Answer[] = [
  { id: 'kinds', q: 'What is the difference between on demand and interruptible?',
    a: (r) => <><p>On demand you pay the host's price and run for as long as you want: nobody's bid stops you. Interruptible you bid, and run while your bid is among the
      highest; you pay what you bid, never more. On demand comes before all bids.</p>
      <p>What runs on demand can be reserved: <a href="/help?q=reserved">pay months ahead</a>, and it costs less.</p>
      <p>Bids are for one GPU and hour, rounded down to {money(r.bid_step, 3)}; forms and cards show the total for all GPUs beside it. A bid is never turned into an
        on-demand rental at its higher price.</p></> },
  { id: 'windows', q: 'What can I run? Windows, or a desktop?',
    a: () => <p>Linux containers: any image from a registry, with SSH, Jupyter, or the image's own command. There is no Windows and no remote desktop; a program with a web page can publish a port.</p> },
  { id: 'restart', q: 'I stopped my instance. Can I be sure to start it again?',
    a: () => <><p>No. While it is stopped its GPUs can go to others. When you start it and they are taken, it waits: the card says who is before it, its place in line, and by when GPUs are
      free at the latest. It starts by itself then.</p><p>Meanwhile you can copy your files away without GPUs: <code>scp</code>, <code>sftp</code> and <code>rsync</code> reach a stopped instance too. And Move on its card, or <code>berth migrate ID</code>, moves it to another machine, with its files and settings, and says beforehand how long that takes and what it costs.</p></> },
  { id: 'stopped-costs', q: 'Why does a stopped instance cost something?',
    a: () => <><p>Its disk is kept for you and can be given to nobody else. Each stopped instance shows what that is a day, and the dialog says so before you stop it. Only destroying it ends that.</p>
      <p>Under Rules of an instance you can have it destroyed by itself once it was stopped for so many hours.</p></> },
  { id: 'idle', q: 'I forgot to stop it. Can it stop by itself?',
    a: () => <p>Yes, once you have asked for it: under Rules of an instance, it stops when its GPUs have done nothing for so many minutes. What the host does not measure is not taken for idleness.</p> },
  { id: 'notice', q: 'Will I be warned before an interruption?',
    a: (r) => <p>A bid gets {r.grace_default_s} seconds of notice, or as many as you ask for, up to {r.grace_max_s} and to what the host allows; where on-demand takes its GPUs, at most {r.grace_outranked_s}. Your processes get SIGTERM first, a file in the container
      says why and until when, and webhooks are told. The disk is kept, and it starts again by itself.</p> },
  { id: 'losing-bid', q: 'Do I pay for a bid that does not run?',
    a: () => <p>An instance that waits costs its disk, once it has one. To have none where the bid does not run at once, rent with <code>cancel_unavail</code> (<code>--cancel-unavail</code>): then nothing is made.</p> },
  { id: 'why', q: 'Why did my instance stop?',
    a: () => <p>Every stop has a reason and a sentence: on the card, under History of the instance, and by <code>berth why ID</code>. It says who came instead, and what would have kept it running. Look at your credit first.</p> },
  { id: 'loading', q: 'It is loading for a long time. What is it doing?',
    a: () => <p>It pulls the image. Offers show “starts in about …” where a machine holds the image that you used last, from that machine's own pulls. A registry that is silent for five minutes ends the start with that reason. Loading costs no GPU time.</p> },
  { id: 'lifetime', q: 'What is the lifetime of an instance, and what happens at its end?',
    a: (r) => <p>It is how long the host has promised the machine for; every offer shows it. You are warned a week, a day and an hour ahead. At the end the instance stops, and its data is kept for {duration(r.retention_hours * 3600)} at least: copy it away by then. The host may
      let it go on for longer, at your price or a lower one.</p> },
  { id: 'disk', q: 'Can I make the disk larger?',
    a: () => <p>Yes, while it runs: press Grow on its card, or <code>berth grow instance ID GB</code>, as far as its machine has space. It costs more from then on, at its own price, and never shrinks. Where a host's file system cannot limit disks, taking more than was rented stops the instance after a warning; the files stay.</p> },
  { id: 'volumes', q: 'Can my files outlast the instance?',
    a: () => <p>On a volume, yes: space on a machine that stays when the instance goes, and that the next instance on that machine mounts. Make one under <a href="/volumes">Volumes</a>, or as you rent. It is charged from its making until you delete it, mounted or not.</p> },
  { id: 'cli', q: 'Can I do all this from a terminal?',
    a: () => <><p>Yes: <code>berth set api-key KEY</code> with a key from <a href="/keys?tab=api">Keys</a>, and then <code>berth search offers</code>, <code>berth create instance</code>, <code>berth ssh</code> and all else; <code>berth help</code> lists it. Scripts add <code>--raw</code> for JSON.</p>
      <p>What the console does it does by <a href="/api/openapi.json">the same API</a>, which your programs can use as well.</p></> },
  { id: 'ports', q: 'Which ports do I get, and do they change?',
    a: () => <p>Each port that you ask for with <code>-p</code> gets one of the machine's; Address and ports of the instance shows them. They stay the same over stop and start. Machines behind NAT are reached at the market's relay, at ports of the instance's own.</p> },
  { id: 'environment', q: 'Is the environment over SSH that of my image?',
    a: () => <p>Yes. No SSH server is put into your container: programs are started in it through the engine, in its own environment, as the image would start them. <code>ssh</code>, <code>scp</code>, <code>sftp</code>, <code>rsync</code> and forwarding work in any image, even one with a single file.</p> },
  { id: 'keys', q: 'How do I log in? There is no password.',
    a: () => <p>With an SSH key. Paste the public half (<code>~/.ssh/id_ed25519.pub</code>) under <a href="/settings">Settings</a>, in the box Change SSH Key; the whole line, as it is. It is on your running instances within seconds. Then run what Connect shows. To make one: <code>ssh-keygen -t ed25519</code>.</p> },
  { id: 'jupyter', q: 'How do I open Jupyter? Do I need a certificate?',
    a: () => <p>Launch with Jupyter, and press Open Jupyter. Where the market's relay has a certificate it is an https:// address that any browser takes; else it is at localhost:8080 through the second command of Connect. You never install a certificate.</p> },
  { id: 'upload', q: 'How do I bring my data there?',
    a: () => <p>Small files by Jupyter's upload, which has a limit of its own that the notebook tells; anything by <code>scp -P PORT FILE root@ADDRESS:</code> or <code>rsync</code>, as Connect shows them, with no limit but the disk; much data best from a store: keep a <a href="/settings?tab=variables">connection</a> to it and press Cloud on the instance's card, or use <code>wget</code>, <code>curl</code> or <code>rclone</code> in the instance, at the machine's own speed.</p> },
  { id: 'start-command', q: 'Can a command run at every start?',
    a: () => <p>Yes: “At each start, run” when you rent or in a template, and <code>/root/onstart.sh</code> if you write one. Its output is in the log.</p> },
  { id: 'alert', q: 'Can I wait for an offer, or be told of one?',
    a: () => <p>Yes, with a standing order: a search that waits, and rents the first offer that it finds, or tells you. It fires once. Set the filters, then press “Wait for it” above the offers; what waits is under <a href="/orders">Standing orders</a>.</p> },
  { id: 'docker', q: 'Can I run Docker or systemd inside?',
    a: () => <p>No. Containers have few capabilities and no privileges, which protects the host and your neighbours. Build images elsewhere, or with a builder that needs neither.</p> },
  { id: 'avoid', q: 'I got the same bad machine again.',
    a: () => <p>Press “Avoid this machine” under Details of an offer, or say so when you report it: it is left out of what you search in this browser, and of where Move goes, until you take that back among the filters. Programs leave machines out with <code>machine_id notin</code> in a query. Failed starts count against a machine's reliability besides, which search takes into account.</p> },
  { id: 'limits', q: 'I poll the API and get 429.',
    a: () => <p>Every such answer says in <code>Retry-After</code> when to come again. Rather than poll, listen to <code>GET /events/</code>: changes of your instances and your balance come by themselves; webhooks work too.</p> },
];
