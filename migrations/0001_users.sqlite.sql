-- up
CREATE TABLE users (
  id            BLOB PRIMARY KEY CHECK (length(id) = 16),
  email         TEXT NOT NULL UNIQUE,
  name          TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  role          TEXT NOT NULL CHECK (role IN ('member', 'admin')),
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL,
  deleted_at    INTEGER
) WITHOUT ROWID, STRICT;

-- down
DROP TABLE users;
