-- up
CREATE TABLE refresh_tokens (
  id                BLOB PRIMARY KEY CHECK (length(id) = 16),
  family            BLOB NOT NULL,
  "user"            BLOB NOT NULL REFERENCES users (id),
  token_hash        TEXT NOT NULL UNIQUE,
  created_at        INTEGER NOT NULL,
  expires_at        INTEGER NOT NULL,
  family_expires_at INTEGER NOT NULL,
  used_at           INTEGER,
  revoked_at        INTEGER
) WITHOUT ROWID, STRICT;
CREATE INDEX refresh_tokens_family ON refresh_tokens (family);
CREATE INDEX refresh_tokens_user ON refresh_tokens ("user");
CREATE INDEX refresh_tokens_end ON refresh_tokens (family_expires_at);

-- down
DROP TABLE refresh_tokens;
