-- up
CREATE TABLE notes (
  id         BLOB PRIMARY KEY CHECK (length(id) = 16),
  owner_id   BLOB NOT NULL REFERENCES users (id),
  title      TEXT NOT NULL,
  body       TEXT NOT NULL,
  tags       TEXT NOT NULL,
  pinned     INTEGER NOT NULL,
  version    INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  deleted_at INTEGER
) WITHOUT ROWID, STRICT;
CREATE INDEX notes_owner ON notes (owner_id, created_at, id);

-- down
DROP TABLE notes;
