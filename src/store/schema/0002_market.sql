-- SPDX-License-Identifier: Apache-2.0
-- The market: people, machines, offers, contracts, and what agents report.
-- Times are microseconds since 1970 (9223372036854775807: never), money is nanodollars.
-- Booleans are 0 and 1. Codes are the enums of the store's and market's headers.

CREATE TABLE users (
  id ID,
  email TEXT NOT NULL UNIQUE,
  username TEXT NOT NULL,
  fullname TEXT NOT NULL DEFAULT '',
  is_admin I64 NOT NULL DEFAULT 0 CHECK (is_admin IN (0, 1)),
  created_us I64 NOT NULL,
  credit_limit I64 NOT NULL DEFAULT 0 CHECK (credit_limit >= 0),
  t_zero_us I64 NOT NULL DEFAULT 9223372036854775807
) STRICT;
CREATE INDEX users_t_zero ON users(t_zero_us);

CREATE TABLE machine (
  id ID,
  owner_id I64 NOT NULL REFERENCES users(id),
  public_key BYTES NOT NULL UNIQUE,
  facts TEXT NOT NULL,
  hostname TEXT NOT NULL,
  inet_up_kbps I64 NOT NULL DEFAULT 0 CHECK (inet_up_kbps >= 0),
  inet_down_kbps I64 NOT NULL DEFAULT 0 CHECK (inet_down_kbps >= 0),
  geolocation TEXT NOT NULL DEFAULT '',
  verification I64 NOT NULL DEFAULT 0 CHECK (verification IN (0, 1, 2)),
  is_simulated I64 NOT NULL DEFAULT 0 CHECK (is_simulated IN (0, 1)),
  is_quarantined I64 NOT NULL DEFAULT 0 CHECK (is_quarantined IN (0, 1)),
  created_us I64 NOT NULL,
  desired_rev I64 NOT NULL DEFAULT 1,
  is_listed I64 NOT NULL DEFAULT 0 CHECK (is_listed IN (0, 1)),
  gpu_hour I64 NOT NULL DEFAULT 0 CHECK (gpu_hour >= 0),
  min_bid_hour I64 NOT NULL DEFAULT 0 CHECK (min_bid_hour >= 0),
  disk_month I64 NOT NULL DEFAULT 0 CHECK (disk_month >= 0),
  up_tb I64 NOT NULL DEFAULT 0 CHECK (up_tb >= 0),
  down_tb I64 NOT NULL DEFAULT 0 CHECK (down_tb >= 0),
  min_chunk I64 NOT NULL DEFAULT 1 CHECK (min_chunk >= 1),
  discount_max_ppm I64 NOT NULL DEFAULT 0 CHECK (discount_max_ppm BETWEEN 0 AND 1000000),
  listing_start_us I64 NOT NULL DEFAULT 0,
  listing_end_us I64 NOT NULL DEFAULT 9223372036854775807,
  is_online I64 NOT NULL DEFAULT 0 CHECK (is_online IN (0, 1)),
  offline_since_us I64 NOT NULL DEFAULT 0,
  is_engine_ok I64 NOT NULL DEFAULT 0 CHECK (is_engine_ok IN (0, 1)),
  engine_message TEXT NOT NULL DEFAULT '',
  disk_free_gb I64 NOT NULL DEFAULT 0,
  quarantined_count I64 NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX machine_owner ON machine(owner_id, id);

CREATE TABLE enroll_token (
  hash BYTES PRIMARY KEY,
  user_id I64 NOT NULL REFERENCES users(id),
  expires_us I64 NOT NULL
) STRICT;
CREATE INDEX enroll_token_expires ON enroll_token(expires_us);

CREATE TABLE nonce (
  machine_id I64 NOT NULL REFERENCES machine(id),
  nonce BYTES NOT NULL,
  expires_us I64 NOT NULL,
  PRIMARY KEY (machine_id, nonce)
) STRICT;

CREATE TABLE agent_session (
  machine_id I64 PRIMARY KEY REFERENCES machine(id),
  epoch I64 NOT NULL,
  server_proc TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  agent_incarnation I64 NOT NULL,
  fingerprint BYTES NOT NULL,
  opened_us I64 NOT NULL,
  last_heartbeat_us I64 NOT NULL,
  heartbeat_seq I64 NOT NULL DEFAULT 0,
  poll_seq I64 NOT NULL DEFAULT 0,
  op_seq I64 NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX agent_session_heartbeat ON agent_session(last_heartbeat_us);

CREATE TABLE gpu (
  id ID,
  machine_id I64 NOT NULL REFERENCES machine(id),
  uuid TEXT NOT NULL,
  is_whole_machine I64 NOT NULL CHECK (is_whole_machine IN (0, 1)),
  position I64 NOT NULL,
  retired_us I64
) STRICT;
CREATE UNIQUE INDEX gpu_live_uuid ON gpu(uuid) WHERE retired_us IS NULL;
CREATE INDEX gpu_machine ON gpu(machine_id, position);

CREATE TABLE offer (
  id ID,
  machine_id I64 NOT NULL REFERENCES machine(id),
  host_id I64 NOT NULL REFERENCES users(id),
  num_gpus I64 NOT NULL CHECK (num_gpus >= 0),
  gpu_hour I64 NOT NULL CHECK (gpu_hour >= 0),
  min_bid_hour I64 NOT NULL CHECK (min_bid_hour >= 0),
  disk_month I64 NOT NULL CHECK (disk_month >= 0),
  up_tb I64 NOT NULL CHECK (up_tb >= 0),
  down_tb I64 NOT NULL CHECK (down_tb >= 0),
  disk_gb I64 NOT NULL CHECK (disk_gb >= 0),
  discount_max_ppm I64 NOT NULL CHECK (discount_max_ppm BETWEEN 0 AND 1000000),
  start_us I64 NOT NULL,
  end_us I64 NOT NULL,
  removed_us I64
) STRICT;
CREATE INDEX offer_live ON offer(machine_id, id) WHERE removed_us IS NULL;

CREATE TABLE contract (
  id ID,
  owner_id I64 NOT NULL REFERENCES users(id),
  host_id I64 NOT NULL REFERENCES users(id),
  machine_id I64 NOT NULL REFERENCES machine(id),
  offer_id I64 NOT NULL REFERENCES offer(id),
  num_gpus I64 NOT NULL CHECK (num_gpus >= 0),
  gpu_hour I64 NOT NULL CHECK (gpu_hour >= 0),
  min_bid_hour I64 NOT NULL CHECK (min_bid_hour >= 0),
  disk_month I64 NOT NULL CHECK (disk_month >= 0),
  up_tb I64 NOT NULL CHECK (up_tb >= 0),
  down_tb I64 NOT NULL CHECK (down_tb >= 0),
  offer_disk_gb I64 NOT NULL CHECK (offer_disk_gb >= 0),
  created_us I64 NOT NULL,
  end_us I64 NOT NULL,
  cpu_millis I64 NOT NULL CHECK (cpu_millis >= 0),
  ram_mb I64 NOT NULL CHECK (ram_mb >= 0),
  disk_gb I64 NOT NULL CHECK (disk_gb >= 1),
  fee_bps I64 NOT NULL CHECK (fee_bps BETWEEN 0 AND 10000),
  spec TEXT NOT NULL,
  image TEXT NOT NULL,
  runtype TEXT NOT NULL,
  request_hash BYTES NOT NULL,

  label TEXT,
  state I64 NOT NULL,
  reason I64 NOT NULL,
  reason_detail TEXT NOT NULL DEFAULT '',
  state_us I64 NOT NULL,
  gen I64 NOT NULL DEFAULT 1,
  restart_nonce I64 NOT NULL DEFAULT 0,
  destroyed_us I64 NOT NULL DEFAULT 0,
  disk_metered_us I64 NOT NULL,
  posted_us I64 NOT NULL,
  usage_count I64 NOT NULL DEFAULT 0,

  counter_epoch I64 NOT NULL DEFAULT 0,
  bytes_up I64 NOT NULL DEFAULT 0,
  bytes_down I64 NOT NULL DEFAULT 0,
  up_unmetered I64 NOT NULL DEFAULT 0 CHECK (up_unmetered >= 0),
  down_unmetered I64 NOT NULL DEFAULT 0 CHECK (down_unmetered >= 0),
  counted_us I64 NOT NULL,
  exit_code I64 NOT NULL DEFAULT -1,
  nonce_done I64 NOT NULL DEFAULT 0,
  disk_used_mb I64 NOT NULL DEFAULT -1,
  cpu_permille I64 NOT NULL DEFAULT -1,
  ram_used_mb I64 NOT NULL DEFAULT -1,
  gpu_permille I64 NOT NULL DEFAULT -1,
  gauged_us I64 NOT NULL DEFAULT 0,
  message TEXT NOT NULL DEFAULT '',
  ssh_port I64 NOT NULL DEFAULT 0,
  ports TEXT NOT NULL DEFAULT '',

  -- 8 and 9: destroying and destroyed.
  CHECK ((state IN (8, 9)) = (destroyed_us > 0))
) STRICT;
CREATE INDEX contract_owner ON contract(owner_id, id) WHERE destroyed_us = 0;
CREATE INDEX contract_machine ON contract(machine_id, id) WHERE state <> 9;
CREATE INDEX contract_posted ON contract(posted_us) WHERE destroyed_us = 0;
CREATE INDEX contract_end ON contract(end_us) WHERE destroyed_us = 0;

CREATE TABLE api_key (
  id ID,
  user_id I64 NOT NULL REFERENCES users(id),
  name TEXT NOT NULL,
  rights TEXT NOT NULL DEFAULT '',
  scopes I64 NOT NULL,
  contract_id I64 NOT NULL DEFAULT 0,
  hash BYTES NOT NULL UNIQUE,
  created_us I64 NOT NULL,
  revoked_us I64
) STRICT;
CREATE INDEX api_key_user ON api_key(user_id, id);

CREATE TABLE ssh_key (
  id ID,
  user_id I64 NOT NULL REFERENCES users(id),
  public_key TEXT NOT NULL,
  is_account I64 NOT NULL CHECK (is_account IN (0, 1)),
  created_us I64 NOT NULL,
  deleted_us I64
) STRICT;
CREATE INDEX ssh_key_user ON ssh_key(user_id, id) WHERE deleted_us IS NULL;

CREATE TABLE contract_ssh_key (
  contract_id I64 NOT NULL REFERENCES contract(id),
  ssh_key_id I64 NOT NULL REFERENCES ssh_key(id),
  PRIMARY KEY (contract_id, ssh_key_id)
) STRICT;

-- One holder a GPU, whatever the program thinks.
CREATE TABLE gpu_claim (
  id ID,
  gpu_id I64 NOT NULL REFERENCES gpu(id),
  contract_id I64 NOT NULL REFERENCES contract(id),
  claimed_us I64 NOT NULL,
  released_us I64
) STRICT;
CREATE UNIQUE INDEX gpu_one_holder ON gpu_claim(gpu_id) WHERE released_us IS NULL;
CREATE INDEX gpu_claim_contract ON gpu_claim(contract_id);
CREATE INDEX gpu_claim_history ON gpu_claim(gpu_id, id);

-- The evidence for GPU time: one open interval an instance at most.
CREATE TABLE run_interval (
  id ID,
  contract_id I64 NOT NULL REFERENCES contract(id),
  owner_id I64 NOT NULL REFERENCES users(id),
  machine_id I64 NOT NULL REFERENCES machine(id),
  start_token TEXT NOT NULL,
  run_ms I64 NOT NULL,
  start_us I64 NOT NULL,
  metered_us I64 NOT NULL,
  end_us I64,
  CHECK (metered_us >= start_us),
  CHECK (end_us IS NULL OR end_us = metered_us)
) STRICT;
CREATE UNIQUE INDEX run_interval_open ON run_interval(contract_id) WHERE end_us IS NULL;
CREATE INDEX run_interval_contract ON run_interval(contract_id, start_us);
CREATE INDEX run_interval_machine ON run_interval(machine_id) WHERE end_us IS NULL;
CREATE INDEX run_interval_owner ON run_interval(owner_id) WHERE end_us IS NULL;

CREATE TABLE contract_event (
  id ID,
  contract_id I64 NOT NULL REFERENCES contract(id),
  at_us I64 NOT NULL,
  state I64 NOT NULL,
  reason I64 NOT NULL,
  detail TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX contract_event_contract ON contract_event(contract_id, id);

CREATE TABLE op (
  id ID,
  contract_id I64 NOT NULL REFERENCES contract(id),
  machine_id I64 NOT NULL REFERENCES machine(id),
  owner_id I64 NOT NULL REFERENCES users(id),
  op_id TEXT NOT NULL UNIQUE,
  token_hash BYTES NOT NULL UNIQUE,
  is_exec I64 NOT NULL CHECK (is_exec IN (0, 1)),
  min_gen I64 NOT NULL,
  command TEXT,
  filter TEXT,
  tail I64 NOT NULL DEFAULT 0,
  is_daemon_log I64 NOT NULL DEFAULT 0 CHECK (is_daemon_log IN (0, 1)),
  created_us I64 NOT NULL,
  expires_us I64 NOT NULL,
  progress I64 NOT NULL DEFAULT 0 CHECK (progress IN (0, 1, 2, 3)),
  finished_us I64,
  output TEXT,
  CHECK ((progress = 0) = (output IS NULL))
) STRICT;
CREATE INDEX op_pending ON op(machine_id, id) WHERE progress = 0;
CREATE INDEX op_expires ON op(expires_us) WHERE progress = 0;
CREATE INDEX op_created ON op(created_us);

CREATE TABLE server_liveness (
  server_proc TEXT NOT NULL,
  start_us I64 NOT NULL,
  alive_until_us I64 NOT NULL,
  PRIMARY KEY (server_proc, start_us)
) STRICT;
CREATE INDEX server_liveness_alive ON server_liveness(alive_until_us);
