-- One more note for the development account. `slipway seed`, which `./dev run` calls, runs the files of
-- seeds/<environment> by name: each once, and again when it has changed, as one transaction (docs/development.md).
-- So a statement must do no harm when it runs twice. This note takes the id of its owner, so that one text is right for
-- every engine.
INSERT INTO notes (id, owner_id, title, body, tags, pinned, version, created_at, updated_at)
SELECT id, id, 'From a file', 'This note came from seeds/development/0001_note.sql.', '["start"]', false, 1,
       created_at, updated_at
FROM users
WHERE email = 'admin@example.com' AND NOT EXISTS (SELECT 1 FROM notes WHERE notes.id = users.id);
