-- up
CREATE TABLE idempotency_keys (
  key         TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  claimed_at  INTEGER NOT NULL,
  status      INTEGER,
  media_type  TEXT NOT NULL,
  body        TEXT NOT NULL,
  headers     TEXT NOT NULL
) WITHOUT ROWID, STRICT;
CREATE INDEX idempotency_keys_claimed ON idempotency_keys (claimed_at);

-- down
DROP TABLE idempotency_keys;
