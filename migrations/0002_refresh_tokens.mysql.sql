-- up
CREATE TABLE refresh_tokens (
  id                binary(16) PRIMARY KEY,
  family            binary(16) NOT NULL,
  "user"            binary(16) NOT NULL,
  token_hash        varchar(128) NOT NULL UNIQUE,
  created_at        datetime(6) NOT NULL,
  expires_at        datetime(6) NOT NULL,
  family_expires_at datetime(6) NOT NULL,
  used_at           datetime(6),
  revoked_at        datetime(6),
  FOREIGN KEY ("user") REFERENCES users (id),
  INDEX refresh_tokens_family (family),
  INDEX refresh_tokens_user ("user"),
  INDEX refresh_tokens_end (family_expires_at)
);

-- down
DROP TABLE refresh_tokens;
