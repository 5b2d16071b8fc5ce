-- up
CREATE TABLE refresh_tokens (
  id                uuid PRIMARY KEY,
  family            uuid NOT NULL,
  "user"            uuid NOT NULL REFERENCES users (id),
  token_hash        text NOT NULL UNIQUE,
  created_at        timestamptz NOT NULL,
  expires_at        timestamptz NOT NULL,
  family_expires_at timestamptz NOT NULL,
  used_at           timestamptz,
  revoked_at        timestamptz
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family);
CREATE INDEX refresh_tokens_user ON refresh_tokens ("user");
CREATE INDEX refresh_tokens_end ON refresh_tokens (family_expires_at);

-- down
DROP TABLE refresh_tokens;
