-- up
CREATE TABLE users (
  id            binary(16) PRIMARY KEY,
  email         varchar(254) NOT NULL UNIQUE,
  name          varchar(100) NOT NULL,
  password_hash varchar(255) NOT NULL,
  role          varchar(20) NOT NULL CHECK (role IN ('member', 'admin')),
  created_at    datetime(6) NOT NULL,
  updated_at    datetime(6) NOT NULL,
  deleted_at    datetime(6)
);

-- down
DROP TABLE users;
