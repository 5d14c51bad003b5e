// SPDX-License-Identifier: Apache-2.0
// Every column, badge and button that the console promises: where its value comes from in api/, and where it is to be
// seen. Each page is held to its rows when it is looked at (`shows`), and at the end none may be left over (`allShown`):
// a column that nobody has seen, or whose source is gone from the API, is a failure.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

const API = new URL('../../api/', import.meta.url);
const WAIT_MS = 15000;

const button = (name) => (page) => page.getByRole('button', { name });
const link = (name) => (page) => page.getByRole('link', { name });
const text = (what) => (page) => page.getByText(what);
const field = (name) => (page) => page.getByLabel(name);
/** A fact by its name, in a list of such. */
const fact = (name) => (page) => page.locator('dl.facts dt', { hasText: new RegExp(`^${name}$`) });
const column = (name) => (page) => page.getByRole('columnheader', { name, exact: true });
const card = (what) => (page) => page.locator('article.offer').getByText(what);
const instance = (what) => (page) => page.locator('article.instance').getByText(what);

/** By page: what it is, its source (a member of a schema, a route, or the console itself), and where it stands. */
export const COLUMNS = {
  frame: [
    ['logo', 'console', (page) => page.locator('a.brand')],
    ['Search', 'console', link('Search')],
    ['Templates', 'GET /api/v0/template/', link('Templates')],
    ['Instances, with how many', 'GET /api/v0/events/', (page) => page.locator('nav .count')],
    ['Storage', 'GET /api/v0/volumes/', link('Volumes')],
    ['Standing orders', 'GET /api/v0/orders/', link('Standing orders')],
    ['Machines', 'GET /api/v0/machines/', link('Machines')],
    ['Create Job', 'PUT /api/v0/machines/create_bids/', link('Create Job')],
    ['account switcher: avatar, name, role', 'GET /api/v0/teams/', (page) => page.locator('.account b')],
    ['narrow bar', 'console', button(/the bar$/)],
    ['FAQ', 'GET /api/v0/rules/', link('FAQ')], ['Hosting', 'GET /api/v0/rules/', link('Hosting')],
    ['Setup', 'POST /api/v0/machines/enroll_token/', link('Setup')],
    ['Billing', 'GET /api/v0/charges/', link('Billing')],
    ['Earnings', 'GET /api/v0/users/{user}/machine-earnings/', link('Earnings')],
    ['Members', 'GET /api/v0/team/members/', link('Team')],
    ['Audit Logs', 'GET /api/v0/audit_logs/', link('Audit log')],
    ['Keys', 'GET /api/v0/auth/apikeys/', link('Keys')],
    ['Settings', 'PUT /api/v0/users/', link('Settings')],
    ['Market', 'GET /api/v0/metrics/gpu/current/', link('Market')],
    ['Help', 'GET /api/v0/rules/', link('Help')],
    ['CLI', 'console', link('Command line')],
    ['API', 'GET /api/openapi.json', link('API')],
    ['Log out', 'DELETE /api/v0/sessions/current/', button('Log out')],
    ['Credit', 'User.credit', (page) => page.locator('.top').getByText('Credit')],
    ['rate now', 'GET /api/v0/events/', (page) => page.locator('.top a[href="/instances"].pill')],
    ['dark-mode moon', 'console', button(/colours/)],
    ['bell', 'GET /api/v0/events/', (page) => page.locator('.bell summary')],
  ],
  search: [
    ['template card: its name', 'Template.name', (page) => page.locator('.template-card h2')],
    ['Change Template', 'GET /api/v0/template/', link('Change Template')],
    ['Volume Size', 'Offer.avail_vol_size', field('Volume beside it')],
    ['Incompatible machines', 'Template.extra_filters', field(/Incompatible machines/)],
    ['data plan: hours', 'Offer.dph_total', field('It runs for')], ['data plan: in', 'Offer.inet_down_cost', field('It receives')], ['data plan: out', 'Offer.inet_up_cost', field('It sends')],
    ['Reserved', 'Offer.credit_discount_max', text('Reserved')],
    ['Container Size', 'Offer.disk_space', field(/^Disk/)],
    ['copy link', 'console', button('Copy the link to this search')],
    ['reset', 'console', button('Reset')],
    ['save', 'console', button('Save as mine')],
    ['Secure Cloud only', 'Offer.hosting_type', field('Data centres only')],
    ['Host Reliability', 'Offer.reliability', field('Reliability')],
    ['Max Instance Duration', 'Offer.duration', field('Can be had for')],
    ['Price', 'Offer.dph_total', field('Price at most')],
    ['CPU cores', 'Offer.cpu_cores_effective', field('CPU threads')],
    ['RAM', 'Offer.cpu_ram', field('RAM of the machine')],
    ['per-GPU VRAM', 'Offer.gpu_ram', field('Memory of a GPU')],
    ['disk speed', 'Offer.disk_bw', field('Disk speed')],
    ['net up', 'Offer.inet_up', field('Upload')],
    ['net down', 'Offer.inet_down', field('Download')],
    ['ports', 'Offer.direct_port_count', field('Open ports')],
    ['PCIe', 'Offer.pcie_bw', field('PCIe')],
    ['CUDA', 'Offer.cuda_max_good', field('CUDA')],
    ['TFLOPS', 'Offer.total_flops', field('TFLOPS')],
    ['DLPerf', 'Offer.dlperf', (page) => page.getByLabel('DLPerf', { exact: true })],
    ['DLPerf/$', 'Offer.dlperf_per_dphtotal', field('DLPerf per $/h')], ['fp16/fp32', 'POST /api/v0/bundles/', field('DLPerf and value for')],
    ['Unverified machines', 'Offer.verification', field(/Unverified machines/)],
    ['Include Unavailable Offers', 'Offer.rentable', field(/Include Unavailable Offers/)],
    ['Static IP', 'Offer.static_ip', field('Static IP address')],
    ['AVX', 'Offer.has_avx', field('CPU with AVX')],
    ['#GPUs', 'Offer.num_gpus', text('9+')],
    ['type', 'Offer.min_bid', text('Interruptible')],
    ['GPU picker', 'GET /api/v0/metrics/gpu/current/', (page) => page.locator('details.models summary')],
    ['location', 'GET /api/v0/metrics/places/', (page) => page.getByText('Planet Earth')],
    ['sort', 'Offer.score', field('Sort by')],
    ['m: link', 'Offer.machine_id', link(/^m:\d+$/)],
    ['offer id', 'Offer.id', card(/offer \d+/)],
    ['host', 'Offer.host_id', card(/host:\d+/)],
    ['place', 'Offer.geolocation', card(/place unknown|, [A-Z]{2}/)],
    ['count and model', 'Offer.gpu_name', (page) => page.locator('article.offer h2')],
    ['VRAM', 'Offer.gpu_ram', card(/GB a GPU/)],
    ['speed', 'Offer.dlperf', card(/DLPerf|TFLOPS/)],
    ['DLP/$/hr', 'Offer.dlperf_per_dphtotal', card(/per \$\/h/)],
    ['CPUs', 'Offer.cpu_cores', card(/of \d+ CPUs/)],
    ['RAM of the offer', 'Offer.gpu_frac', card(/GB RAM/)],
    ['disk', 'Offer.disk_space', card(/GB disk/)],
    ['network', 'Offer.inet_down', card(/↓ .* ↑/)],
    ['ports of the offer', 'Offer.direct_port_count', card(/ports/)],
    ['volume badge', 'Offer.avail_vol_size', card(/Vol: \d+ GB/)],
    ['verified', 'Offer.verification', card('verified')],
    ['Max Duration', 'Offer.duration', card(/^for |no end/)],
    ['Reliability', 'Offer.reliability', card(/reliable/)],
    ['price', 'Offer.dph_total', button(/what it is made of/)],
    ['RENT', 'PUT /api/v0/asks/{id}/', button(/^Rent /)],
    ['why is this first?', 'POST /api/v0/bundles/explain/', button(/^Why is offer/)],
    ['wait for it', 'POST /api/v0/orders/', button('Wait for it')],
  ],
  details: [
    ['TFLOPS', 'Offer.total_flops', fact('TFLOPS, FP32')], ['Max CUDA', 'Offer.cuda_max_good', fact('Max CUDA')], ['driver', 'Offer.driver_version', fact('Driver')],
    ['GB/s', 'Offer.gpu_mem_bw', fact('GPU memory speed')], ['motherboard', 'Offer.mobo_name', fact('Main board')], ['PCIe', 'Offer.pci_gen', fact('PCIe')],
    ['CPU', 'Offer.cpu_name', fact('CPU')], ['CPUs', 'Offer.cpu_cores_effective', fact('CPUs')], ['RAM', 'Offer.cpu_ram', fact('RAM')], ['disk name', 'Offer.disk_name', fact('Disk')],
    ['disk speed', 'Offer.disk_bw', fact('Disk speed')], ['volume', 'Offer.avail_vol_ask_id', fact('Space for volumes')], ['host pill', 'Offer.hosting_type', fact('Host')],
    ['reserved', 'Offer.discounted_dph_total', fact('Paid ahead')], ['reliability sample', 'GET /api/v0/machines/{id}/history/', fact('Reliability is from')], ['duration', 'Offer.duration', fact('Max duration')],
  ],
  price: [
    ['GPU', 'Offer.dph_base', text(/^GPUs/)], ['Disk', 'Offer.storage_total_cost', text(/^Disk, \d+ GB/)], ['Total', 'Offer.dph_total', text('Total')],
    ['/hr', 'Offer.dph_total', column('an hour')], ['/day', 'Offer.dph_total', column('a day')], ['/mon', 'Offer.dph_total', column('a month')],
    ['Internet', 'Offer.inet_up_cost', text(/per TB up/)], ['while the host is offline', 'Offer.storage_when_offline', text(/out of contact/)],
  ],
  rent: [
    ['key, mended here', 'POST /api/v0/ssh/', button('Add SSH Key')], ['credit, mended here', 'User.credit', text('You have no credit')], ['image', 'PUT /api/v0/asks/{id}/', field('Image')],
    ['launch mode', 'PUT /api/v0/asks/{id}/', text('Jupyter + SSH')], ['Add volume', 'Offer.avail_vol_ask_id', field('Add volume')], ['what it costs', 'Offer.dph_total', button(/^Rent for/)],
  ],
  bid: [
    ['bid per GPU', 'Offer.min_bid', field('Your bid, a GPU')], ['total', 'Offer.num_gpus', text(/for all/)], ['floor', 'Offer.min_bid', text(/a GPU runs now/)],
    ['grace seconds', 'GET /api/v0/rules/', field('Notice before it makes way')], ['auto-raise max', 'PUT /api/v0/asks/{id}/', field('Raise it by itself up to')],
  ],
  instances: [
    ['how many', 'GET /api/v0/instances/', text(/^All \d/)], ['name', 'Instance.gpu_name', (page) => page.locator('article.instance h2')], ['id', 'Instance.id', instance(/C\.\d+/)],
    ['verified', 'Instance.verification', instance('verified')], ['IP', 'Instance.public_ipaddr', link(/^Address and ports of instance/)], ['age', 'Instance.start_date', instance(/ old$/)],
    ['lifetime left', 'Instance.end_date', instance(/left$|no end/)], ['$/hr', 'Instance.dph_total', instance(/\/h$/)], ['so far', 'Instance.charged', instance(/so far/)],
    ['state', 'Instance.actual_status', instance('Running')], ['VRAM bar', 'Instance.vmem_usage', instance('GPU memory')], ['GPU bar', 'Instance.gpu_util', instance(/^GPU$/)],
    ['CPU bar', 'Instance.cpu_util', instance(/^CPU$/)], ['RAM bar', 'Instance.mem_usage', instance(/^RAM$/)], ['disk bar', 'Instance.disk_usage', instance(/^Disk$/)],
    ['auto-stop and delete-after chips', 'Instance.destroy_when_stopped_hours', instance(/destroyed after/)],
    ['Connect', 'Instance.ssh_port', link('Connect')], ['stop', 'PUT /api/v0/instances/{id}/', button('Stop')], ['reboot', 'PUT /api/v0/instances/reboot/{id}/', button('Reboot')],
    ['destroy', 'DELETE /api/v0/instances/{id}/', button('Destroy')], ['copy', 'PUT /api/v0/commands/copy_direct/', button(/^Copy from instance/)],
    ['recycle', 'PUT /api/v0/instances/recycle/{id}/', button(/^Recycle instance/)], ['LOG', 'PUT /api/v0/instances/request_logs/{id}/', link('Log')],
    ['All GPUs', 'Instance.gpu_name', (page) => page.getByLabel('GPUs', { exact: true })], ['All Statuses', 'Instance.actual_status', (page) => page.getByLabel('Status', { exact: true })], ['label tabs with counts', 'Instance.label', (page) => page.getByLabel('Label', { exact: true })],
    ['sort', 'console', (page) => page.getByLabel('Order', { exact: true })], ['refresh', 'GET /api/v0/instances/', button('Read again')], ['Expand All', 'console', button('Expand All')],
    ['reserve', 'GET /api/v0/instances/balance/{id}/', button(/^Pay ahead for instance/)], ['savings', 'Instance.credit_discount', instance(/^No savings|^Saved/)], ['price pill, by a press what it is', 'Instance.storage_total_cost', button(/what instance \d+ costs/)],
    ['status line', 'Instance.status_msg', button(/^All of instance/)], ['cloud copy', 'GET /api/v0/users/cloud_integrations/', button(/^Cloud copy of instance/)], ['migrate', 'PUT /api/v0/commands/copy_direct/', button(/^Move instance/)],
    ['terminal', 'Instance.ssh_host', link(/^Terminal of instance/)], ['key', 'GET /api/v0/instances/{id}/ssh/', button(/^Keys of instance/)],
    ['grow its disk', 'PUT /api/v0/instances/{id}/', button(/^Grow the disk of instance/)],
    ['label', 'Instance.label', button(/^Label instance/)], ['flag (report)', 'POST /api/v0/machines/reports/', button(/^Report machine/)],
  ],
  instance: [
    ...[['All its GPUs', 'gpu_totalram'], ['TFLOPS', 'total_flops'], ['Memory speed', 'gpu_mem_bw'], ['CUDA', 'cuda_max_good'], ['Driver', 'driver_version'], ['DLPerf', 'dlperf'], ['Main board', 'mobo_name'],
      ['PCIe', 'pcie_bw'], ['CPU', 'cpu_name'], ['CPU threads', 'cpu_cores_effective'], ['RAM', 'mem_limit'], ['Disk', 'disk_space'], ['Disk speed', 'disk_bw'], ['Volumes', 'volume_info'], ['Network', 'inet_down'],
      ['Reliability', 'reliability2'], ['Ports', 'direct_port_count'], ['Machine', 'machine_id'], ['Host', 'host_id'], ['Place', 'geolocation'], ['Kind', 'is_bid'], ['While it runs', 'dph_total'],
      ['While it is stopped', 'storage_total_cost'], ['So far', 'charged'], ['Traffic', 'inet_up_cost'], ['Since', 'start_date'], ['Lifetime left', 'end_date'], ['Template', 'template_name'],
      ['Image', 'image_uuid'], ['Launched as', 'image_runtype'], ['At each start', 'onstart'], ['Variables', 'extra_env'], ['It is', 'actual_status'], ['It should be', 'intended_status'],
      ['Its host says', 'status_msg']].map(([name, member]) => [name, `Instance.${member}`, fact(name.replace('?', '\\?'))]),
    ['live charts', 'Instance.gpu_util', (page) => page.getByRole('img', { name: /^Use,/ })], ['temperature', 'Instance.gpu_temp', text('Temperature of the GPUs')],
  ],
  reserve: [
    ['1/3/6-month tiles', 'PrepayPlan.months', field(/months? ahead$/)], ['save %', 'PrepayPlan.discount_rate', text(/^save \d+ %$/)], ['what it costs now', 'PrepayPlan.amount', text(/^\$[\d,.]+ now$/)],
    ['$/hr', 'Instance.dph_total', (page) => page.locator('.tiles strong')], ['another amount', 'PUT /api/v0/instances/prepay/{id}/', field('Another amount')],
  ],
  connect: [
    ['Direct command', 'Instance.ssh_host', field('Log in, with a port')], ['copy', 'console', button('Copy: Log in')], ['Add SSH key', 'GET /api/v0/ssh/', link('SSH keys')],
    ['Public IP', 'Instance.public_ipaddr', fact('Public address')], ['IP type', 'Instance.static_ip', fact('Kind')], ['local IPs', 'Instance.local_ipaddrs', fact('Addresses inside')],
    ['Machine copy port', 'Instance.machine_dir_ssh_port', fact('Port for copies')], ['Port range', 'Instance.direct_port_start', fact('Port range')],
  ],
  volumes: [
    ['list', 'GET /api/v0/volumes/', (page) => page.getByRole('region', { name: 'Volumes' })], ['Volume Information', 'Volume.id', text('Volume Information')], ['size', 'Volume.disk_space', fact('Size')],
    ['price', 'Volume.storage_cost', fact('Price')], ['what it costs', 'Volume.storage_total_cost', fact('It costs')], ['until', 'Volume.end_date', fact('Promised until')], ['mounted by', 'Volume.instances', column('Mounted by')],
    ['Rent instance using this volume', 'PUT /api/v0/asks/{id}/', link('Rent instance using this volume')], ['clone', 'POST /api/v0/volumes/copy/', button('Clone')], ['delete', 'DELETE /api/v0/volumes/', button('Delete')], ['make', 'PUT /api/v0/volumes/', button('Make a volume')],
  ],
  orders: [
    ['what it looks for', 'Order.query', column('What it looks for')], ['then', 'Order.starts', column('Once it is found')], ['state', 'Order.state', text('waits')], ['until', 'Order.expires_at', text(/for .* more/)],
    ['cancel', 'DELETE /api/v0/orders/{id}/', button(/^Cancel order/)],
  ],
  billing: [
    ['balance', 'User.credit', (page) => page.locator('[data-live=credit]')], ['Add Credit', 'POST /api/v0/billing/deposits/', button('Add credit')], ['usage table', 'Instance.dph_base', column('GPUs, an hour')],
    ['$/day', 'Instance.storage_total_cost', column('A day')], ['you will run out in', 'GET /api/v0/events/', text('You will run out of credit in')], ['low-balance threshold', 'User.balance_threshold', field(/Warn me by mail/)],
    ['Transfer Credits', 'PUT /api/v0/commands/transfer_credit/', button('Transfer credit')], ['Invoices', 'GET /api/v1/invoices/', link('Invoices')], ['numbered invoices', 'GET /api/v0/charges/statements/', link('Statements')], ['Volumes', 'Volume.storage_total_cost', column('Volumes, an hour')], ['invoice details', 'PUT /api/v0/users/', field('Tax number')], ['Charges', 'GET /api/v0/charges/', link('Charges')],
  ],
  templates: [
    ...['All', 'Recommended', 'Mine', 'Recent', 'Popular'].map((name) => [name, 'GET /api/v0/template/', (page) => page.locator('.tabs').getByRole('link', { name })]),
    ['search', 'console', field('Find a template')], ['tag chips', 'Template.runtype', text('Private')], ['image:tag', 'Template.image', (page) => page.locator('.card code')], ['Readme', 'Template.readme', button(/^Read me of/)],
    ['Edit', 'PUT /api/v0/template/', button(/^Edit /)], ['use', 'Template.hash_id', link(/^Use /)],
  ],
  editor: [
    ['Config', 'console', text('Config')], ['ReadMe', 'Template.readme', text('ReadMe')], ['name', 'Template.name', field('Name')], ['description', 'Template.desc', field('In one line')], ['image path', 'Template.image', field('Image')], ['tag', 'Template.tag', field('Version')],
    ['docker options', 'Template.env', field('Variables and ports')], ['launch mode', 'Template.runtype', text('Jupyter + SSH')], ['use direct connection', 'Template.ssh_direct', field(/Use direct connection/)], ['onstart', 'Template.onstart', field('At each start, run')],
    ['extra search filters with GUI', 'Template.extra_filters', field('Memory of a GPU')], ['private registry login', 'Template.docker_login_repo', field('Registry')], ['disk', 'Template.recommended_disk_space', field('Disk')], ['recommended volume', 'Template.volume_info', field('New volume')], ['public/private', 'Template.private', field('Only I see it')],
    ['Save', 'POST /api/v0/template/', button('Save')], ['Create & Use', 'POST /api/v0/template/', button('Create & Use')],
  ],
  statements: [
    ['a month', 'GET /api/v0/charges/csv/', field('Month')], ['a page to print', 'GET /api/v0/charges/statement/', button('As a page to print')], ['numbered', 'NumberedStatement.number', text('Invoices of months that are over')],
  ],
  charges: [
    ['date range', 'GET /api/v0/charges/', field('From')], ['type filter', 'ChargeItem.type', field('Of what')], ['Export', 'console', button('Export')], ['a row', 'Charge.amount', column('Dollars')], ['GPU 0.72 hours at', 'ChargeItem.description', (page) => page.locator('tr.part')],
  ],
  audit: [
    ...[['time', 'created_at', 'When'], ['action', 'api_route', 'What'], ['target', 'args', 'With'], ['actor, key or session', 'session_id', 'By'], ['IP', 'ip_address', 'From']].map(([name, member, head]) => [name, `AuditEntry.${member}`, column(head)]),
    ['filter', 'console', field('Find in the log')], ['export', 'console', button('Export')],
  ],
  team: [
    ['table', 'TeamMember.email', column('Member')], ['role', 'TeamMember.roles', column('Role')], ['Invite', 'POST /api/v0/team/invite/', button('Invite')], ['roles', 'GET /api/v0/team/roles-full/', link('Roles')],
  ],
  role: [
    ...['No access', 'Read', 'Read & Write'].map((name) => [name, 'TeamRole.permissions', column(name)]),
    ...['User', 'Machines', 'Instances', 'Billing / Earning', 'Team', 'Misc'].map((name) => [name, 'TeamRole.permissions', (page) => page.getByLabel(`${name}: No access`)]),
  ],
  keys: [
    ['Session', 'GET /api/v0/sessions/', link('Sessions')], ['SSH', 'GET /api/v0/ssh/', link('SSH')], ['API', 'GET /api/v0/auth/apikeys/', (page) => page.locator('.tabs').getByRole('link', { name: 'API' })],
    ['name', 'ApiKey.rights', column('Name')], ['made', 'ApiKey.created_at', column('Made')], ['last used', 'ApiKey.last_used', column('Last used')], ['permissions', 'ApiKey.rights', column('May')], ['revoke', 'DELETE /api/v0/auth/apikeys/{id}/', button('Revoke')],
  ],
  settings: [
    ['profile', 'User.fullname', field('Your name')], ['Change SSH Key', 'PUT /api/v0/ssh/{id}/', button('Change SSH Key')], ['notification grid', 'GET /api/v0/notification-types/', link('Notifications')],
    ['webhooks', 'GET /api/v0/webhooks/', link('Webhooks')], ['cloud connections', 'GET /api/v0/users/cloud_integrations/', link('Variables and clouds')], ['2FA', 'GET /api/v0/tfa/status/', link('Security')],
  ],
  connections: [
    ['name', 'Connection.name', column('Name')], ['store', 'Connection.cloud_type', column('Store')], ['since', 'Connection.created_at', column('Since')],
    ['add', 'POST /api/v0/users/cloud_integrations/', button('Add a connection')], ['forget', 'DELETE /api/v0/users/cloud_integrations/{id}/', button(/^Forget /)],
  ],
  clouds: [
    ['store', 'GET /api/v0/users/cloud_integrations/', field('Store')], ['which way', 'POST /api/v0/commands/rclone/', field('Which way')], ['here', 'POST /api/v0/commands/rclone/', field('Here')],
    ['there', 'POST /api/v0/commands/rclone/', field('There')], ['copy', 'POST /api/v0/commands/rclone/', button('Copy it')], ['cancel', 'DELETE /api/v0/commands/rclone/', button(/^Cancel the copy/)],
  ],
  setup: [
    ['agreement text', 'GET /api/v0/rules/', text('What you agree to')], ['port test', 'Machine.direct_port_count', text('It can be reached')],
    ['one command', 'POST /api/v0/machines/enroll_token/', field('Join the market')], ['doctor', 'console', field('Examine the machine')], ['live checklist', 'GET /api/v0/machines/', (page) => page.getByRole('list', { name: /step by step/ })],
    ['verification, line by line', 'GET /api/v0/machines/{id}/checks/', (page) => page.getByRole('list', { name: /^What is asked of machine/ })],
    ['next step: list', 'PUT /api/v0/machines/create_asks/', link(/Set Prices/)],
  ],
  machines: [
    ['id', 'Machine.id', link(/^m:\d+$/)], ['hostname', 'Machine.hostname', column('Machine')], ['GPUs', 'Machine.gpu_name', column('GPUs')], ['state', 'Machine.verification', column('State')], ['occupancy', 'Machine.gpu_occupancy', column('Rented')],
    ['on-demand and interruptible price', 'Machine.listed_gpu_cost', column('Price of a GPU')], ['reliability and reports', 'Machine.reliability2', column('Reliability')], ["today's earnings", 'Machine.earn_day', column('Earns now')],
    ['reserved discount', 'Machine.credit_discount_max', text(/no discount|less paid ahead/)], ['net up/down', 'Machine.listed_inet_up_cost', column('Traffic, a TB')], ['disk', 'Machine.avail_disk_space', text(/GB free/)], ['driver', 'Machine.driver_version', text(/^driver /)],
    ['filter', 'console', field('Find a machine')], ['List/Unlist', 'DELETE /api/v0/machines/{id}/asks/', button(/^Unlist machine/)], ['Maintenance', 'PUT /api/v0/machines/{id}/dnotify/', link(/^Maintenance of machine/)], ['Self-test', 'GET /api/v0/machines/{id}/checks/', link(/^Self-test of machine/)],
    ['Create Job', 'PUT /api/v0/machines/create_bids/', link(/^Job of machine/)], ['latest client end date', 'Machine.client_end_date', column('Rented until')], ['Set Prices', 'PUT /api/v0/machines/create_asks/', link(/^Set Prices of machine/)],
  ],
  prices: [
    ['on demand', 'Machine.listed_gpu_cost', field('A GPU, on demand')], ['min bid', 'Machine.min_bid_price', field('Lowest bid, a GPU')], ['disk', 'Machine.listed_storage_cost', (page) => page.getByLabel('Disk', { exact: true })],
    ['up', 'Machine.listed_inet_up_cost', field('Traffic, sent')], ['down', 'Machine.listed_inet_down_cost', field('Traffic, received')], ['reserved max discount', 'Machine.credit_discount_max', field(/Discount for paying ahead/)],
    ['min GPU', 'Machine.listed_min_gpu_count', field('Smallest slice')], ['end date or rolling', 'Machine.end_date', text('Until a day')], ['volumes', 'POST /api/v0/volumes/', field('Space for volumes')],
    ['market figures', 'GET /api/v0/metrics/gpu/current/', text(/Others ask|to compare with/)], ['you earn', 'GET /api/v0/rules/', text(/Of that you get/)], ['floor', 'Machine.bid_gpu_cost', text(/Bids run from/)],
    ['live contracts do not change', 'console', text(/Rentals that run keep/)],
  ],
  machine: [
    ...[['Driver', 'driver_version'], ['Disk', 'disk_space'], ['Network', 'inet_down'], ['Address', 'public_ipaddr'], ['Place', 'geolocation'], ['Last rental ends', 'client_end_date'], ['Listed until', 'end_date'], ['DLPerf', 'dlperf']]
      .map(([name, member]) => [name, `Machine.${member}`, fact(name)]),
    ['GPU strip', 'MachineGpu.index', (page) => page.getByRole('list', { name: 'GPUs of the machine' })], ['who holds a GPU', 'MachineGpu.class', text(/On demand · C\.\d+/)],
    ...[['temperature', 'temperature_c', /^84 °C$/], ['power', 'power_w', /^287 of \d+ W$/], ['clocks', 'core_mhz', /^1,515 MHz · memory 9,001 MHz$/], ['use of a GPU', 'gpu_util', /^64 % used/], ['what slows a GPU', 'slowed_by', /^slowed by heat$/], ['as of when', 'gauged_at', /^as of /]]
      .map(([name, member, what]) => [name, `MachineGpu.${member}`, (page) => page.locator('.gpu').getByText(what)]), ['contracts', 'MachineContract.id', (page) => page.getByRole('region', { name: 'Contracts' })],
    ...[['class', 'class', 'Class'], ['GPUs', 'num_gpus', 'GPUs'], ['rate', 'gpu_hour', 'Rate'], ['end date', 'end_date', 'Ends'], ['disk use per contract', 'disk_used_gb', 'Disk']].map(([name, member, head]) => [`contract: ${name}`, `MachineContract.${member}`, column(head)]),
    ['verification checklist', 'GET /api/v0/machines/{id}/checks/', link('Verification')],
    ['30-day uptime, outages', 'GET /api/v0/machines/{id}/history/', link('History')], ['reports', 'GET /api/v0/machines/{id}/reports/', link('Reports')], ['reply box', 'PUT /api/v0/machines/reports/', link('Reports')], ['maintenance, job, unlist', 'PUT /api/v0/machines/{id}/dnotify/', link('Job and maintenance')],
  ],
  job: [
    ['machines', 'GET /api/v0/machines/', (page) => page.getByRole('checkbox')], ['image', 'PUT /api/v0/machines/create_bids/', field('Image')], ['command', 'PUT /api/v0/machines/create_bids/', field('Command')], ['env', 'PUT /api/v0/machines/create_bids/', field('Variables')],
    ['price', 'Machine.bid_gpu_cost', field('Price of a GPU')], ['GPUs', 'Machine.bid_gpus', field('GPUs at most')],
  ],
  earnings: [
    ['balance', 'User.balance', text('Not paid out yet')], ['chart', 'DayEarnings.gpu_earn', (page) => page.getByRole('img', { name: /^Earnings by day/ })], ['per machine', 'MachineEarnings.sto_earn', (page) => page.getByRole('region', { name: 'Earnings by machine' })],
    ['next Friday', 'GET /api/v0/rules/', text('Next invoice')], ['projected', 'Machine.earn_hour', text('A day at that rate')], ['export', 'console', button('Export')], ['payouts: service', 'Payout.provider', column('Service')], ['payouts: invoice date', 'Payout.cut', column('Invoice date')], ['payouts: paid date', 'Payout.paid_at', column('Paid date')], ['payouts: print', 'console', button('Print')], ['total earnings', 'GET /api/v0/billing/payouts/', text('Total earnings')], ['payouts: due', 'Payout.expected', column('There by')], ['payouts: late', 'Payout.late', text(/^late$/)], ['payouts: why', 'Payout.reason', text('the bank refused it')],
    ['gross, fee, net', 'GET /api/v0/rules/', fact('You earned')], ['Payout Account', 'GET /api/v0/billing/payouts/', text('Payout account')], ['pending invoice', 'GET /api/v0/billing/payouts/', fact('Earned this week')], ['fee text', 'GET /api/v0/billing/payouts/', fact('Fee of a payout')],
    ['connect', 'PUT /api/v0/billing/payouts/method/', field('Country')], ['CSV', 'console', button('CSV')],
  ],
  market: [
    ['supply', 'GpuMetrics.available', column('Supply')], ['demand', 'GpuMetrics.usage', column('Rented now')], ['P10, median, P90', 'GpuMetrics.price_p10', column('Free ones ask, an hour')], ['calculator', 'GET /api/v0/metrics/earnings/', button('Estimate')],
    ['supply and demand lines', 'MarketDay.rented_gpu_hours', (page) => page.getByRole('img', { name: /^Supply and demand/ })], ['price lines', 'MarketDay.price_median', (page) => page.getByRole('img', { name: /^Prices/ })], ['map', 'MarketPlace.country_code', (page) => page.getByRole('img', { name: /^GPUs in \d+ countr/ })],
    ['countries', 'MarketPlace.available', (page) => page.getByRole('region', { name: 'Countries' })], ['include unavailable offers', 'GpuMetrics.rented_median', field(/Include unavailable offers/)],
  ],
  operator: [
    ['trial balance', 'GET /api/v0/operator/ledger/', (page) => page.getByRole('region', { name: 'Trial balance' })], ['users', 'GET /api/v0/operator/users/', link('Users')], ['machines', 'GET /api/v0/operator/machines/', (page) => page.locator('.tabs').getByRole('link', { name: 'Machines' })],
    ['payouts', 'GET /api/v0/operator/payouts/', link('Payouts')], ['disputes', 'GET /api/v0/operator/disputes/', link('Disputes')], ['fraud queue', 'GET /api/v0/operator/fraud/', link('Fraud')], ['fee and retention settings', 'GET /api/v0/operator/settings/', (page) => page.locator('.tabs').getByRole('link', { name: 'Settings' })], ['queues and health', 'GET /metrics', link('Queues and health')],
  ],
  verification: [
    ['verify or deverify', 'PUT /api/v0/operator/verification/', button(/^(Dev|V)erify machine/)], ['automatic', 'PUT /api/v0/operator/verification/', button(/^Automatic verification/)], ['place', 'PUT /api/v0/operator/place/', button(/^Place of machine/)],
  ],
  disputes: [
    ['answer', 'OperatorDispute.is_asked', button(/^Evidence for dispute/)], ['due', 'OperatorDispute.due_at', text(/^due in /)],
    ...[['who', 'user_id', 'Account'], ['deposit', 'deposit_id', 'Deposit'], ['provider', 'provider', 'At'], ['reason', 'reason', 'Because'], ['state', 'state', 'State'], ['frozen', 'frozen', 'Set aside'], ['amount', 'amount', 'Dollars']].map(([name, member, head]) => [name, `OperatorDispute.${member}`, column(head)]),
  ],
  evidence: [
    ['when it is due', 'OperatorDispute.due_at', text(/^The bank takes it until/)], ['its state', 'OperatorEvidence.state', text('not submitted')], ['note', 'OperatorEvidence.note', field('What you know of it')],
    ...[['Account', 'email'], ['Name', 'name'], ['Bills go to', 'billing_address'], ['Ordered from', 'ordered_from'], ['Used from', 'served_from'], ['What was bought', 'product']].map(([name, member]) => [name, `OperatorEvidence.${member}`, fact(name)]),
    ['record', 'OperatorEvidence.record', field('The payment, and what was rented with it')], ['activity', 'OperatorEvidence.activity', field('What was called on the account')], ['made', 'OperatorEvidence.made_at', text(/^Put together/)],
    ['submit', 'POST /api/v0/operator/evidence/', button('Submit it, once')], ['keep the note', 'PUT /api/v0/operator/evidence/', button('Keep your words')],
  ],
  fraud: [
    ['proofs', 'OperatorProof.odd', (page) => page.getByRole('region', { name: 'Proofs to look at' })], ['machine', 'OperatorProof.machine_id', column('Machine')], ['what came of it', 'OperatorProof.state', column('What came of it')], ['holds', 'OperatorHold.amount', text('Money that is set aside')],
  ],
  server: [
    ['version', 'GET /api/v0/operator/settings/', fact('berthd')], ['backup status', 'GET /api/v0/operator/settings/', fact('Books copied')], ['fee', 'GET /api/v0/rules/', fact('The market keeps')], ['retention', 'GET /api/v0/rules/', fact('Data kept after a lifetime')], ['settings', 'OperatorSetting.value', (page) => page.getByRole('region', { name: 'Settings' })],
  ],
  cards: [
    ['brand and last 4', 'Card.last4', text(/^visa ···· 4242$/)], ['add a card', 'POST /api/v0/billing/cards/', button('Add a card')], ['remove', 'DELETE /api/v0/billing/cards/{id}/', button(/^Remove the card/)],
    ['autobilling: threshold', 'PUT /api/v0/billing/autopay/', field('When credit is below')], ['autobilling: amount', 'PUT /api/v0/billing/autopay/', (page) => page.getByLabel('Add', { exact: true })],
    ['autobilling: on', 'PUT /api/v0/billing/autopay/', button('Charge it by itself')],
  ],
  security: [
    ['2FA', 'GET /api/v0/tfa/status/', button('Add an authenticator app')], ['password', 'PUT /api/v0/users/password/', button('Change the password')], ['delete account', 'DELETE /api/v0/users/', button('Delete account')], ['what stands against it', 'DeletionReason.what_to_do', (page) => page.getByRole('heading', { name: 'Delete account' })],
  ],
};

const seen = new Set();

/** All rows of a page stand on it now. */
export async function shows(who, page) {
  for (const [name, , where] of COLUMNS[page]) {
    await where(who.page).first().waitFor({ state: 'attached', timeout: WAIT_MS }).catch((reason) => { throw new Error(`${page} lacks "${name}": ${reason.message}`); });
    seen.add(`${page}: ${name}`);
  }
}

/** What the API has: its routes, and the members of its schemas. */
function sources() {
  const found = new Set(['console']);
  for (const file of readdirSync(API).filter((one) => one.endsWith('.json'))) {
    const { schemas = {}, routes = [] } = JSON.parse(readFileSync(new URL(file, API), 'utf8'));
    for (const [name, members] of Object.entries(schemas)) for (const member of Object.keys(members)) found.add(`${name}.${member.replace('?', '')}`);
    for (const { method, path } of routes) found.add(`${method} ${path}`);
  }
  return found;
}

/** Pages of a market that takes cards, which has a walk of its own. */
export const OF_CARDS = ['cards'];

export function allShown(pages = Object.keys(COLUMNS).filter((page) => !OF_CARDS.includes(page))) {
  const known = sources();
  const rows = pages.flatMap((page) => COLUMNS[page].map(([name, source]) => [`${page}: ${name}`, source]));
  assert.deepEqual(rows.filter(([, source]) => !known.has(source)), [], 'every column has a source in the API');
  assert.deepEqual(rows.map(([name]) => name).filter((name) => !seen.has(name)), [], 'every column was seen');
  return rows.length;
}
