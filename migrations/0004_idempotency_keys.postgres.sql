-- up
CREATE TABLE idempotency_keys (
  key         text PRIMARY KEY,
  fingerprint text NOT NULL,
  claimed_at  timestamptz NOT NULL,
  status      integer,
  media_type  text NOT NULL,
  body        text NOT NULL,
  headers     jsonb NOT NULL
);
CREATE INDEX idempotency_keys_claimed ON idempotency_keys (claimed_at);

-- down
DROP TABLE idempotency_keys;
