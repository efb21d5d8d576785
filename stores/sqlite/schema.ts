import type { DatabaseSync } from 'node:sqlite'
import { StoreRefused } from '@rescind/core'
import { LOG_FILE_BYTES } from './checkpoints.ts'

/**
 * Numbered steps, each applied once and never edited after a release; `user_version` says how many a store has had.
 *
 * The log's rowid is realm × 2^40 + seq: one append-only table without a second index serves all realms, and a revocation is
 * one row at its end (bench/README.md, "durable rows").
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    rule BLOB NOT NULL,
    audit BLOB,
    audit_hash BLOB,
    chain BLOB NOT NULL,
    CHECK ((audit IS NULL) <> (audit_hash IS NULL))
  ) STRICT;
  CREATE TABLE token (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    realm INTEGER NOT NULL,
    digest TEXT NOT NULL,
    handle TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    extended_at INTEGER,
    client TEXT,
    facts TEXT NOT NULL,
    sealed BLOB
  ) STRICT;
  CREATE UNIQUE INDEX token_digest ON token (realm, digest);
  CREATE UNIQUE INDEX token_handle ON token (realm, handle);
  CREATE INDEX token_client ON token (realm, client) WHERE client IS NOT NULL;
  CREATE INDEX token_expiry ON token (expires_at);
  CREATE TABLE consumption (
    realm INTEGER NOT NULL,
    handle TEXT NOT NULL,
    sealed BLOB,
    PRIMARY KEY (realm, handle)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE tombstone (
    realm INTEGER NOT NULL,
    digest TEXT NOT NULL,
    source TEXT NOT NULL,
    PRIMARY KEY (realm, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE record (
    realm INTEGER NOT NULL,
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    body TEXT,
    PRIMARY KEY (realm, collection, id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE record_key (
    realm INTEGER NOT NULL,
    collection TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (realm, collection, name, value)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX record_key_owner ON record_key (realm, collection, id);
  `,
  `
  CREATE TABLE record_list (
    realm INTEGER NOT NULL,
    collection TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (realm, collection, name, value, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX record_list_owner ON record_list (realm, collection, id);
  CREATE TABLE memo (
    realm INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    value BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (realm, kind, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX memo_expiry ON memo (expires_at);
  `,
  'CREATE INDEX tombstone_source ON tombstone (realm, source);',
  // Tokens are stored in commit order. The process that owns the store finds each row by the first bits of digest and handle
  // (docs/decisions/0012-token-rows.md).
  `
  CREATE TABLE token_row (
    id INTEGER PRIMARY KEY,
    realm INTEGER NOT NULL,
    digest TEXT NOT NULL,
    handle TEXT NOT NULL,
    bits TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    extended_at INTEGER,
    client TEXT,
    facts TEXT NOT NULL,
    sealed BLOB
  ) STRICT;
  INSERT INTO token_row
    SELECT id, realm, digest, handle, substr(digest, 1, 5) || substr(handle, 5, 5), expires_at, extended_at,
      CASE WHEN client LIKE 'chat/%' THEN client END, facts, sealed
    FROM token ORDER BY id;
  INSERT INTO meta (name, value) SELECT 'token_row', coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'token';
  DROP TABLE token;
  ALTER TABLE token_row RENAME TO token;
  CREATE INDEX token_client ON token (realm, client) WHERE client IS NOT NULL;
  CREATE INDEX token_expiry ON token (expires_at, bits);
  `,
  // Where a trimmed log begins, and which of its removed rows still hold (docs/decisions/0014-trimming-the-log.md).
  `
  CREATE TABLE log_anchor (realm INTEGER PRIMARY KEY, seq INTEGER NOT NULL, chain BLOB NOT NULL) STRICT;
  CREATE TABLE log_kept (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    rule BLOB NOT NULL
  ) STRICT;
  `,
  // The store's side log: the store does not open without it, unless it is told to (side-mark.ts).
  'CREATE TABLE side_log (path TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;',
  // The highest expiry ever given out per source, which cutoffs must outlive (docs/decisions/0016-how-long-rules-are-kept.md).
  `
  CREATE TABLE source_expiry (
    realm INTEGER NOT NULL,
    source TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (realm, source)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO source_expiry
    SELECT realm, CASE WHEN json_valid(facts) THEN json_extract(facts, '$.source') END AS source,
      (min(max(expires_at), 253402300799999) + 86399999) / 86400000 * 86400000
    FROM token WHERE source IS NOT NULL GROUP BY 1, 2;
  `,
  // `to`: where the store was moved, and is to be used from now on. `over`: it is there. `from`: which move made it.
  'CREATE TABLE moved (way TEXT PRIMARY KEY, id TEXT NOT NULL, store TEXT NOT NULL) STRICT, WITHOUT ROWID;',
]

/** Settings of every connection. Durability is `FULL`, because `NORMAL` loses acknowledged commits in WAL mode. */
export function configure(db: DatabaseSync): void {
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA journal_size_limit = ${LOG_FILE_BYTES};
    PRAGMA busy_timeout = 5000;
    PRAGMA foreign_keys = ON;
    PRAGMA trusted_schema = OFF;
  `)
}

/** @throws StoreRefused for another program's database, before even its journal mode is changed. */
export function refuseForeign(db: DatabaseSync): void {
  const { user_version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() as { tables: number }
  if (user_version === 0 && tables > 0) throw new StoreRefused('this database is not a Rescind store')
}

/** Brings a store to this version's schema, or to an older one. @throws StoreRefused when a newer version made it. */
export function migrate(db: DatabaseSync, floorMs: number, to: number = MIGRATIONS.length): void {
  const row = db.prepare('PRAGMA user_version').get() as { user_version: number }
  if (row.user_version > MIGRATIONS.length) {
    throw new StoreRefused(
      `the store has schema ${row.user_version}, but this version knows schemas up to ${MIGRATIONS.length}: use a newer version`,
    )
  }
  for (let version = row.user_version; version < to; version += 1) {
    db.exec('BEGIN EXCLUSIVE')
    db.exec(MIGRATIONS[version] as string)
    if (version === 0) db.prepare("INSERT INTO meta (name, value) VALUES ('floor', ?)").run(floorMs)
    db.exec(`PRAGMA user_version = ${version + 1}`)
    db.exec('COMMIT')
  }
}
