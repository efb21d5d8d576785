import { expiryCeiling, KEEP_FOREVER_MS, KEEP_MARGIN_MS, LAST_INSTANT_MS } from '@rescind/core'

/** To which highest expiries are rounded up. */
const DAY_MS = expiryCeiling(1)

/**
 * Applies the operations of one realm, in order, in the caller's transaction. A write that conflicts before it has changed
 * anything is skipped. One that has changed something raises RS001 with its code, and the caller undoes and tries each write
 * alone. Codes are those of `outcome-codes.ts`.
 */
export const APPLY_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.apply_1(
  p_realm integer, p_at bigint, p_ops json, p_skip integer[],
  INOUT io_seq bigint, INOUT io_chain bytea, INOUT io_ordinal integer, INOUT io_tokens bigint,
  OUT o_writes integer[], OUT o_codes bigint[], OUT o_keeps json
) LANGUAGE plpgsql VOLATILE AS $apply$
DECLARE
  op record;
  v_write integer;
  v_code bigint;
  v_before bigint;
  v_dirty boolean := false;
  v_rule bytea;
  v_ends bigint;
  v_keep double precision;
  v_keep_seqs bigint[] := '{}';
  v_keeps double precision[] := '{}';
  v_source text;
  v_high_source text;
  v_high bigint;
BEGIN
  o_writes := '{}';
  o_codes := '{}';
  FOR op IN SELECT * FROM json_to_recordset(p_ops) AS t(
    w integer, k text, digest text, handle text, source text, client text, ends bigint, extended bigint, facts text,
    sealed bytea, kind smallint, rule bytea, audit bytea, keys uuid[], keep double precision, keep_of text, ordinal integer,
    collection text, id text, version bigint, rows json, value bytea, alive bigint,
    low bigint, high bigint, kept json, dropped json)
  LOOP
    IF op.w IS DISTINCT FROM v_write THEN
      IF v_write IS NOT NULL THEN
        o_writes := o_writes || v_write;
        o_codes := o_codes || coalesce(v_code, CASE WHEN io_seq > v_before THEN v_before + 1 ELSE io_seq END);
      END IF;
      v_write := op.w;
      v_before := io_seq;
      v_dirty := false;
      v_code := CASE WHEN op.w = ANY (p_skip) THEN -100 END;
    END IF;
    CONTINUE WHEN v_code IS NOT NULL;

    CASE op.k
    WHEN 'append' THEN
      v_rule := op.rule;
      IF op.keep_of IS NOT NULL THEN
        SELECT max(e.expires_at) INTO v_ends FROM rescind.source_expiry e
          WHERE e.realm = p_realm AND (op.keep_of = '*' OR e.source = op.keep_of);
        v_keep := CASE WHEN v_ends + ${KEEP_MARGIN_MS} > ${LAST_INSTANT_MS} THEN ${KEEP_FOREVER_MS} ELSE v_ends + ${KEEP_MARGIN_MS} END;
        IF v_keep > op.keep THEN
          v_rule := overlay(v_rule PLACING float8send(v_keep) FROM 2 FOR 8);
          v_keep_seqs := v_keep_seqs || (io_seq + 1);
          v_keeps := v_keeps || v_keep;
        END IF;
      END IF;
      io_seq := io_seq + 1;
      io_chain := sha256(io_chain || int8send(io_seq) || int8send(p_at) || substring(int2send(op.kind) FROM 2)
        || sha256(v_rule) || sha256(op.audit));
      INSERT INTO rescind.log (realm, seq, at, kind, rule, audit, chain, keys)
        VALUES (p_realm, io_seq, p_at, op.kind, v_rule, op.audit, io_chain, op.keys);
      io_ordinal := coalesce(op.ordinal, io_ordinal);
    WHEN 'put' THEN
      INSERT INTO rescind.token
        (realm, number, digest, handle, source, client, expires_at, extended_at, facts, sealed)
        VALUES (p_realm, io_tokens + 1, op.digest, op.handle, op.source, op.client, op.ends, op.extended, op.facts, op.sealed)
        ON CONFLICT DO NOTHING;
      IF FOUND THEN io_tokens := io_tokens + 1; v_source := op.source; ELSE v_code := -1; END IF;
    WHEN 'extend' THEN
      UPDATE rescind.token t SET expires_at = op.ends, extended_at = op.extended
        WHERE t.digest = op.digest AND t.realm + 0 = p_realm RETURNING t.source INTO v_source;
      IF NOT FOUND THEN v_code := -2; END IF;
    WHEN 'consume' THEN
      INSERT INTO rescind.consumption (realm, handle, sealed) VALUES (p_realm, op.handle, op.sealed) ON CONFLICT DO NOTHING;
      IF NOT FOUND THEN v_code := -3; END IF;
    WHEN 'expect' THEN
      IF op.version <> coalesce((SELECT r.version FROM rescind.record r
        WHERE r.realm = p_realm AND r.collection = op.collection AND r.id = op.id), 0) THEN v_code := -4; END IF;
    WHEN 'records' THEN
      v_code := rescind.records_1(p_realm,
        ARRAY(SELECT r FROM json_populate_recordset(NULL::rescind.new_record_1, op.rows) AS r));
    WHEN 'expiring' THEN
      INSERT INTO rescind.expiring AS e (realm, kind, id, value, expires_at)
        VALUES (p_realm, op.collection, op.id, op.value, op.ends)
        ON CONFLICT (realm, kind, id) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
        WHERE op.alive IS NULL OR e.expires_at <= op.alive;
      IF NOT FOUND THEN v_code := -6; END IF;
    WHEN 'drop' THEN
      DELETE FROM rescind.expiring e WHERE e.realm = p_realm AND e.kind = op.collection AND e.id = op.id
        AND e.expires_at = coalesce(op.ends, e.expires_at);
    WHEN 'forget' THEN
      DELETE FROM rescind.token t WHERE t.digest = op.digest AND t.realm + 0 = p_realm AND t.handle = op.handle
        AND t.expires_at = coalesce(op.ends, t.expires_at);
      IF FOUND THEN
        DELETE FROM rescind.consumption c WHERE c.realm = p_realm AND c.handle = op.handle;
        IF op.source IS NOT NULL THEN
          INSERT INTO rescind.tombstone (realm, digest, source) VALUES (p_realm, op.digest, op.source) ON CONFLICT DO NOTHING;
        END IF;
      ELSE
        v_code := -2;
      END IF;
    WHEN 'unaudit' THEN
      UPDATE rescind.log l SET audit = NULL, audit_hash = sha256(l.audit)
        WHERE l.realm = p_realm AND l.seq BETWEEN op.low AND op.high AND l.audit IS NOT NULL;
    WHEN 'trim' THEN
      IF op.high >= io_seq THEN
        v_code := -4;
      ELSE
        INSERT INTO rescind.log_kept (realm, seq, at, kind, rule)
          SELECT l.realm, l.seq, l.at, l.kind, l.rule FROM rescind.log l, json_array_elements_text(op.kept) n
          WHERE l.realm = p_realm AND l.seq = n::bigint AND l.seq <= op.high ON CONFLICT DO NOTHING;
        INSERT INTO rescind.log_anchor (realm, seq, chain)
          SELECT l.realm, l.seq, l.chain FROM rescind.log l WHERE l.realm = p_realm AND l.seq = op.high
          ON CONFLICT (realm) DO UPDATE SET seq = excluded.seq, chain = excluded.chain;
        DELETE FROM rescind.log l WHERE l.realm = p_realm AND l.seq <= op.high;
        DELETE FROM rescind.log_kept l USING json_array_elements_text(op.dropped) n
          WHERE l.realm = p_realm AND l.seq = n::bigint;
      END IF;
    WHEN 'nothing' THEN
      NULL;
    END CASE;

    IF v_code IS NOT NULL THEN
      IF v_dirty THEN
        RAISE EXCEPTION USING ERRCODE = 'RS001', MESSAGE = v_code::text;
      END IF;
    ELSIF op.k <> 'expect' THEN
      v_dirty := true;
      IF op.k IN ('put', 'extend') AND (v_source IS DISTINCT FROM v_high_source OR v_high < op.ends) THEN
        v_high_source := v_source;
        v_high := ceil(op.ends / ${DAY_MS}.0)::bigint * ${DAY_MS};
        IF NOT EXISTS (SELECT FROM rescind.source_expiry e
          WHERE e.realm = p_realm AND e.source = v_source AND e.expires_at >= v_high) THEN
          INSERT INTO rescind.source_expiry (realm, source, expires_at) VALUES (p_realm, v_source, v_high)
            ON CONFLICT (realm, source) DO UPDATE SET expires_at = excluded.expires_at;
        END IF;
      END IF;
    END IF;
  END LOOP;
  IF v_write IS NOT NULL THEN
    o_writes := o_writes || v_write;
    o_codes := o_codes || coalesce(v_code, CASE WHEN io_seq > v_before THEN v_before + 1 ELSE io_seq END);
  END IF;
  o_keeps := (SELECT json_agg(json_build_array(s, k::bigint)) FROM unnest(v_keep_seqs, v_keeps) AS u(s, k));
END
$apply$;
`
