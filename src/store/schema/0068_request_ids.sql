-- What request something came of: X-Request-Id. '' where it came by itself.
ALTER TABLE contract_event ADD COLUMN request_id TEXT NOT NULL DEFAULT '';
ALTER TABLE op ADD COLUMN request_id TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN request_id TEXT NOT NULL DEFAULT '';
