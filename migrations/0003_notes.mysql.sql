-- up
CREATE TABLE notes (
  id         binary(16) PRIMARY KEY,
  owner_id   binary(16) NOT NULL,
  title      varchar(200) NOT NULL,
  body       mediumtext NOT NULL,
  tags       json NOT NULL,
  pinned     boolean NOT NULL,
  version    bigint NOT NULL,
  created_at datetime(6) NOT NULL,
  updated_at datetime(6) NOT NULL,
  deleted_at datetime(6),
  FOREIGN KEY (owner_id) REFERENCES users (id),
  INDEX notes_owner (owner_id, created_at, id)
);

-- down
DROP TABLE notes;
