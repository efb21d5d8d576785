/**
 * Numbered steps, each applied once and never edited after a release; `rescind.store` says how many a database has had.
 *
 * Text is compared by its bytes (`COLLATE "C"`), as the other stores compare it. `head` has one row per realm: every group
 * that writes to a realm moves it, and so its sequence has no gap. The log has no index but its key: revoking is one row at
 * its end (docs/decisions/0019-postgres.md).
 *
 * No look-up by key leaves the planner a choice. While the statistics say that a table is small, all indexes seem to cost the
 * same, and one that names the realm alone would read the whole table for each key (tried). So records hold a copy of their
 * keys and lists, by which these are removed, and need no index by owner. Look-ups of tokens hide the realm (`realm + 0`),
 * because a digest or handle alone names one token.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE rescind.head (
    realm integer PRIMARY KEY,
    ordinal integer NOT NULL,
    seq bigint NOT NULL,
    chain bytea NOT NULL,
    at bigint NOT NULL,
    groups bigint NOT NULL,
    tokens bigint NOT NULL,
    forked boolean NOT NULL,
    moved_by xid8 NOT NULL
  ) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
  CREATE TABLE rescind.node (
    id uuid PRIMARY KEY,
    fence bigint NOT NULL,
    group_no bigint NOT NULL,
    reply json,
    since timestamptz NOT NULL
  ) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
  CREATE TABLE rescind.log (
    realm integer NOT NULL,
    seq bigint NOT NULL,
    at bigint NOT NULL,
    kind smallint NOT NULL,
    rule bytea NOT NULL,
    audit bytea,
    audit_hash bytea,
    chain bytea NOT NULL,
    keys uuid[],
    PRIMARY KEY (realm, seq),
    CHECK ((audit IS NULL) <> (audit_hash IS NULL))
  );
  CREATE TABLE rescind.log_anchor (realm integer PRIMARY KEY, seq bigint NOT NULL, chain bytea NOT NULL);
  CREATE TABLE rescind.log_kept (
    realm integer NOT NULL,
    seq bigint NOT NULL,
    at bigint NOT NULL,
    kind smallint NOT NULL,
    rule bytea NOT NULL,
    PRIMARY KEY (realm, seq)
  );
  CREATE TABLE rescind.token (
    realm integer NOT NULL,
    number bigint NOT NULL,
    digest text COLLATE "C" NOT NULL,
    handle text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    client text COLLATE "C",
    expires_at bigint NOT NULL,
    extended_at bigint,
    facts text NOT NULL,
    sealed bytea,
    PRIMARY KEY (digest, realm)
  ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
  CREATE UNIQUE INDEX token_handle ON rescind.token (handle, realm);
  CREATE UNIQUE INDEX token_number ON rescind.token (realm, number);
  CREATE INDEX token_client ON rescind.token (realm, source, client, number) WHERE client IS NOT NULL;
  CREATE INDEX token_expiry ON rescind.token (expires_at, realm, number);
  CREATE TABLE rescind.consumption (
    realm integer NOT NULL,
    handle text COLLATE "C" NOT NULL,
    sealed bytea,
    PRIMARY KEY (realm, handle)
  ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
  CREATE TABLE rescind.tombstone (
    realm integer NOT NULL,
    digest text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    PRIMARY KEY (realm, digest)
  );
  CREATE INDEX tombstone_source ON rescind.tombstone (realm, source, digest);
  CREATE TABLE rescind.source_expiry (
    realm integer NOT NULL,
    source text COLLATE "C" NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (realm, source)
  );
  CREATE TABLE rescind.record (
    realm integer NOT NULL,
    collection text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    body text,
    key_names text[] NOT NULL,
    key_values text[] NOT NULL,
    list_names text[] NOT NULL,
    list_values text[] NOT NULL,
    PRIMARY KEY (realm, collection, id)
  );
  CREATE TABLE rescind.record_key (
    realm integer NOT NULL,
    collection text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    PRIMARY KEY (realm, collection, name, value)
  );
  CREATE TABLE rescind.record_list (
    realm integer NOT NULL,
    collection text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    PRIMARY KEY (realm, collection, name, value, id)
  );
  CREATE TYPE rescind.new_record_1 AS (
    collection text COLLATE "C",
    id text COLLATE "C",
    version bigint,
    body text,
    key_names text[],
    key_values text[],
    list_names text[],
    list_values text[]
  );
  CREATE TABLE rescind.expiring (
    realm integer NOT NULL,
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    value bytea NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (realm, kind, id)
  ) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
  CREATE INDEX expiring_expiry ON rescind.expiring (expires_at, realm, kind, id);
  `,
  // Logged like all others: after a crash, an empty table of leases would mean that there are no other nodes.
  `
  CREATE TABLE rescind.lease (
    node uuid PRIMARY KEY,
    counter bigint NOT NULL,
    bound_ms integer NOT NULL,
    keys text[] NOT NULL DEFAULT '{}'
  ) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
  CREATE TABLE rescind.fold_mark (
    realm integer NOT NULL,
    node uuid NOT NULL,
    seq bigint NOT NULL,
    no bigint NOT NULL,
    PRIMARY KEY (realm, node)
  ) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
  CREATE TABLE rescind.instance (
    realm integer NOT NULL,
    id text COLLATE "C" NOT NULL,
    node uuid NOT NULL,
    contacts bigint NOT NULL,
    applied bigint NOT NULL,
    seen_at bigint NOT NULL,
    body text NOT NULL,
    put_by xid8 NOT NULL,
    PRIMARY KEY (realm, id, node)
  ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
  CREATE INDEX instance_node ON rescind.instance (node);
  CREATE INDEX instance_put ON rescind.instance (put_by);
  `,
  `
  CREATE TABLE rescind.upkeep (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    owner uuid NOT NULL,
    fence bigint NOT NULL
  );
  `,
  // What nodes know that a server lacks which has taken over: their testimonies by its timeline, and the rows to be joined.
  `
  CREATE TABLE rescind.testimony (
    timeline bigint NOT NULL,
    node uuid NOT NULL,
    realms integer[] NOT NULL,
    ordinals integer[] NOT NULL,
    seen uuid[] NOT NULL,
    joined boolean NOT NULL,
    PRIMARY KEY (timeline, node)
  );
  CREATE TABLE rescind.carried (
    timeline bigint NOT NULL,
    realm integer NOT NULL,
    seq bigint NOT NULL,
    chain bytea NOT NULL,
    kind smallint NOT NULL,
    rule bytea NOT NULL,
    audit bytea NOT NULL,
    PRIMARY KEY (timeline, realm, seq, chain)
  );
  `,
]

/**
 * Made before the first step. `system_id` and `timeline`: the server, and on which of its timelines the store is used; on a later
 * one nothing is written before it is known what the tokens are worth. `moved`: where the store is to be, by which move, and
 * whether it is there; `came`: which move made it.
 */
export const STORE_TABLE = `
  CREATE SCHEMA IF NOT EXISTS rescind;
  CREATE TABLE IF NOT EXISTS rescind.store (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version integer NOT NULL,
    floor bigint NOT NULL,
    system_id text NOT NULL,
    timeline bigint NOT NULL,
    moved_id text,
    moved_to text,
    moved_over boolean NOT NULL DEFAULT false,
    came_id text,
    came_from text
  );
`
