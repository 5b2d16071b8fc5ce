-- up
CREATE TABLE idempotency_keys (
  "key"       varchar(128) PRIMARY KEY,
  fingerprint varchar(128) NOT NULL,
  claimed_at  datetime(6) NOT NULL,
  status      integer,
  media_type  varchar(255) NOT NULL,
  body        longtext NOT NULL,
  headers     json NOT NULL,
  INDEX idempotency_keys_claimed (claimed_at)
);

-- down
DROP TABLE idempotency_keys;
