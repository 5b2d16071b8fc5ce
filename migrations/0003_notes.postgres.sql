-- up
CREATE TABLE notes (
  id         uuid PRIMARY KEY,
  owner_id   uuid NOT NULL REFERENCES users (id),
  title      text NOT NULL,
  body       text NOT NULL,
  tags       jsonb NOT NULL,
  pinned     boolean NOT NULL,
  version    bigint NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  deleted_at timestamptz
);
CREATE INDEX notes_owner ON notes (owner_id, created_at, id);

-- down
DROP TABLE notes;
