import { PUT_INSTANCES } from './instance-functions.ts'
import { DURABLY, REFUSE_ELSEWHERE, REFUSE_MOVED } from './setup-functions.ts'

/**
 * A heartbeat. Its heads are read in a transaction of their own, begun when the counter is committed: whoever reads the lease
 * rows and does not see this counter knows that the heads are read later still. `p_least`: the last counter that was
 * confirmed to this node. A lower one in the row means that the store was rolled back.
 * `p_instances`: what changed about verifiers at this node, committed with the counter.
 */
export const HEARTBEAT_PROCEDURE: string = `
CREATE OR REPLACE PROCEDURE rescind.heartbeat_1(
  p_node uuid, p_least bigint, p_counter bigint, p_place text, p_moved_since xid8, p_instances json,
  INOUT xmin text, INOUT now_ms bigint, INOUT heads json, INOUT leases json
) LANGUAGE plpgsql AS $heartbeat$
DECLARE
  v_xmin xid8;
BEGIN
  PERFORM set_config('lock_timeout', '1000', true);
${DURABLY}${REFUSE_ELSEWHERE}
  UPDATE rescind.lease l SET counter = p_counter
    WHERE l.node = p_node AND l.counter >= p_least AND l.counter < p_counter;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'RS002', MESSAGE = 'the lease row of this node is gone, or from before its last heartbeat';
  END IF;
${PUT_INSTANCES}
  COMMIT;
  -- The setting was the last transaction's.
  PERFORM set_config('lock_timeout', '1000', true);
  -- Read after the commit: a heartbeat that does not see the move was sent before it.
${REFUSE_MOVED}
  -- Taken before the heads: what moves in between is read again next time.
  xmin := pg_snapshot_xmin(pg_current_snapshot())::text;
  now_ms := rescind.clock_1();
  heads := (SELECT json_agg(json_build_array(h.realm, h.seq, encode(h.chain, 'hex'), h.forked, h.groups, h.ordinal))
    FROM rescind.head h WHERE h.moved_by >= p_moved_since);
  leases := (SELECT json_agg(json_build_array(l.node, l.counter, l.bound_ms)) FROM rescind.lease l);
END
$heartbeat$;
`

/** A notification holds fewer than 8,000 bytes. */
const SAID_CHARS_MAX = 7_000

/**
 * Says how far a node has folded some logs. Marks that are not durable may be lost in a crash; the others then wait longer.
 * `p_no` counts the calls of a node: one that was delivered late must not undo what a later one said.
 * The other nodes are told of marks that are not durable: a commit that waits for no disk is delayed only briefly by that.
 * @returns the realms whose log has another chain there.
 */
export const MARK_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.mark_1(
  p_node uuid, p_place text, p_no bigint, p_marks json, p_durably boolean, OUT forked integer[])
LANGUAGE plpgsql VOLATILE AS $mark$
DECLARE
  v_said text;
BEGIN
  PERFORM set_config('lock_timeout', '1000', true);
  IF NOT p_durably THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  ELSE
${DURABLY}  END IF;
${REFUSE_ELSEWHERE}
  PERFORM FROM rescind.lease l WHERE l.node = p_node;
  IF NOT FOUND THEN
    RAISE EXCEPTION USING ERRCODE = 'RS002', MESSAGE = 'the lease row of this node is gone';
  END IF;
  WITH asked AS MATERIALIZED (
    SELECT t.r, t.seq, t.chain, CASE
      WHEN t.seq = 0 OR t.chain IS NULL THEN true
      -- Trimmed meanwhile: nobody can say any more, and the mark says nothing.
      WHEN t.seq < coalesce(a.seq, 0) THEN NULL
      ELSE t.chain IS NOT DISTINCT FROM CASE WHEN t.seq = a.seq THEN a.chain ELSE
        (SELECT l.chain FROM rescind.log l WHERE l.realm = t.r AND l.seq = t.seq) END
      END AS fits
    FROM json_to_recordset(p_marks) AS t(r integer, seq bigint, chain bytea)
    LEFT JOIN rescind.log_anchor a ON a.realm = t.r
  ), marked AS (
    INSERT INTO rescind.fold_mark AS m (realm, node, seq, no)
      SELECT a.r, p_node, a.seq, p_no FROM asked a WHERE a.fits
      ON CONFLICT (realm, node) DO UPDATE SET seq = excluded.seq, no = excluded.no WHERE m.no < excluded.no
  )
  -- A node that refuses a realm may take it back, so only what was folded is said.
  SELECT coalesce(array_agg(a.r) FILTER (WHERE NOT a.fits), '{}'),
      coalesce(string_agg(a.r || '=' || a.seq, ',') FILTER (WHERE a.fits AND a.chain IS NOT NULL), '')
    INTO forked, v_said FROM asked a;
  IF NOT p_durably THEN
    PERFORM pg_notify('rescind', replace(p_node::text, '-', '') || ':marked:'
      || CASE WHEN length(v_said) > ${SAID_CHARS_MAX} THEN '' ELSE v_said END);
  END IF;
END
$mark$;
`

/** All lease rows, with their marks in some realms, and the ends of these logs: one statement, and so one moment. */
export const READING = `SELECT
  (SELECT json_agg(json_build_array(l.node, l.counter, l.bound_ms,
    (SELECT coalesce(json_agg(json_build_array(m.realm, m.seq)), '[]') FROM rescind.fold_mark m
      WHERE m.node = l.node AND m.realm = ANY ($1::integer[])))) FROM rescind.lease l),
  (SELECT coalesce(json_agg(json_build_array(h.realm, h.seq)), '[]') FROM rescind.head h WHERE h.realm = ANY ($1::integer[]))`
