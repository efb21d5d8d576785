import { PUT_INSTANCES } from './instance-functions.ts'
import { DURABLY, GATE, MOVE_GATE, REFUSE_ELSEWHERE } from './setup-functions.ts'

/** The timeline that this server writes. */
const TIMELINE = "('x' || split_part(rescind.place_1(), '/', 2))::bit(32)::bigint"

const CHECKED = `
  PERFORM set_config('lock_timeout', '2000', true);
${DURABLY}${REFUSE_ELSEWHERE}
`

const SETTLED = `
  UPDATE rescind.store s SET timeline = v_timeline, system_id = split_part(rescind.place_1(), '/', 1);
  DELETE FROM rescind.testimony w WHERE w.timeline < v_timeline;
  DELETE FROM rescind.carried c WHERE c.timeline < v_timeline;
`

/** Nodes that may have acknowledged something, and have not testified. */
const SILENT = `
    SELECT nodes.n FROM (
      SELECT l.node AS n FROM rescind.lease l
      UNION SELECT unnest(w.seen) FROM rescind.testimony w WHERE w.timeline = v_timeline
    ) AS nodes WHERE NOT EXISTS (SELECT FROM rescind.testimony w WHERE w.timeline = v_timeline AND w.node = nodes.n)`

/**
 * What a server that took over has of some logs (realm and row), and whether the store is used on its timeline already.
 * Nothing is written before that, so the answer stays true.
 */
export const FOUND: string = `SELECT rescind.place_1(), (SELECT s.timeline >= ${TIMELINE} FROM rescind.store s),
  (SELECT json_agg(json_build_array(k.r, h.seq, h.groups,
    encode(CASE WHEN h.seq = k.seq THEN h.chain ELSE coalesce(l.chain, a.chain) END, 'hex')))
    FROM json_to_recordset($1) AS k(r integer, seq bigint)
    JOIN rescind.head h ON h.realm = k.r
    LEFT JOIN rescind.log l ON l.realm = k.r AND l.seq = k.seq
    LEFT JOIN rescind.log_anchor a ON a.realm = k.r AND a.seq = k.seq)`

/**
 * Says what a node knows that the server lacks: the realms, their epochs, and the rows that can be joined with a later log.
 * `p_seen`: the nodes that it saw on the server before. The node's own rows are made again where they were lost, or are from
 * before its last heartbeat. Which nodes are silent is read after that. `p_wrote`: the realms that it has ever written to. For a
 * node without a row here nobody has waited, and once the store is used, its groups hide those that are lost; so whatever the
 * node has written counts as lacking. What it has once said stays said, as its row is there the next time.
 */
export const TESTIFY_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.testify_1(
  p_node uuid, p_place text, p_self json, p_lacks json, p_wrote json, p_seen uuid[], p_rows json, p_instances json,
  OUT settled boolean, OUT joined boolean, OUT own integer[], OUT lacking integer[], OUT silent uuid[]
) LANGUAGE plpgsql VOLATILE AS $testify$
DECLARE
  v_timeline bigint := ${TIMELINE};
  v_is_late boolean;
BEGIN
${CHECKED}
  SELECT s.timeline >= v_timeline INTO settled FROM rescind.store s FOR UPDATE;
${PUT_INSTANCES}
  joined := coalesce((SELECT w.joined FROM rescind.testimony w WHERE w.timeline = v_timeline AND w.node = p_node), false);
  IF NOT joined THEN
    v_is_late := settled AND NOT EXISTS (SELECT FROM rescind.lease l WHERE l.node = p_node);
    INSERT INTO rescind.lease AS l (node, counter, bound_ms)
      SELECT p_node, t.counter, t.bound FROM json_to_record(p_self) AS t(counter bigint, bound integer)
      ON CONFLICT (node) DO UPDATE SET counter = greatest(l.counter, excluded.counter);
    INSERT INTO rescind.node AS n (id, fence, group_no, since)
      SELECT p_node, t.fence, 0, clock_timestamp() FROM json_to_record(p_self) AS t(fence bigint)
      ON CONFLICT (id) DO UPDATE SET fence = greatest(n.fence, excluded.fence);
    INSERT INTO rescind.carried (timeline, realm, seq, chain, kind, rule, audit)
      SELECT v_timeline, t.r, t.seq, t.chain, t.kind, t.rule, convert_to(t.audit, 'UTF8')
      FROM json_to_recordset(p_rows) AS t(r integer, seq bigint, chain bytea, kind smallint, rule bytea, audit text)
      WHERE NOT EXISTS (SELECT FROM rescind.log l WHERE l.realm = t.r AND l.seq = t.seq AND l.chain = t.chain)
      ON CONFLICT DO NOTHING;
    INSERT INTO rescind.testimony AS w (timeline, node, realms, ordinals, seen, joined)
      SELECT v_timeline, p_node, coalesce(array_agg(t.r), '{}'), coalesce(array_agg(t.ordinal), '{}'), p_seen, false
      FROM (SELECT k.r, max(k.ordinal) AS ordinal FROM (
        SELECT l.r, l.ordinal FROM json_to_recordset(p_lacks) AS l(r integer, ordinal integer)
        UNION ALL SELECT g.r, g.ordinal FROM json_to_recordset(p_wrote) AS g(r integer, ordinal integer) WHERE v_is_late
        UNION ALL SELECT b.r, b.ordinal FROM rescind.testimony said, unnest(said.realms, said.ordinals) AS b(r, ordinal)
          WHERE said.timeline = v_timeline AND said.node = p_node) AS k GROUP BY k.r) AS t
      ON CONFLICT (timeline, node) DO UPDATE
        SET realms = excluded.realms, ordinals = excluded.ordinals, seen = excluded.seen;
  END IF;
  own := (SELECT w.realms FROM rescind.testimony w WHERE w.timeline = v_timeline AND w.node = p_node);
  lacking := (SELECT coalesce(array_agg(DISTINCT r), '{}') FROM rescind.testimony w, unnest(w.realms) AS r
    WHERE w.timeline = v_timeline);
  silent := (SELECT coalesce(array_agg(n), '{}') FROM (${SILENT}) AS nodes);
END
$testify$;
`

/** Keeps groups out, from the look at the ends of the logs to the commit of what is joined there: they would not fit any more. */
export const CLOSE_GATE: string = `SELECT set_config('lock_timeout', '2000', true), pg_advisory_xact_lock(${GATE}, ${MOVE_GATE})`

/** The ends of the logs that are here or that anybody has known, and the highest epoch of each that anybody has known. */
export const EPOCH_HEADS: string = `SELECT coalesce(h.realm, known.realm), coalesce(h.seq, 0), greatest(h.ordinal, known.ordinal)
  FROM rescind.head h FULL JOIN (SELECT k.r AS realm, max(k.ordinal) AS ordinal
    FROM rescind.testimony w, unnest(w.realms, w.ordinals) AS k(r, ordinal)
    WHERE w.timeline = ${TIMELINE} GROUP BY k.r) known ON known.realm = h.realm`

/**
 * Begins a new epoch in some realms, and behind its row appends the rows that the nodes remember and the log lacks. With it
 * the store is used on this timeline. Call it in the transaction that has closed the gate.
 */
export const JOIN_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.join_1(p_place text, p_epochs json, p_kind smallint, p_audit text) RETURNS void
LANGUAGE plpgsql VOLATILE AS $join$
DECLARE
  v_timeline bigint := ${TIMELINE};
  v_settled boolean;
  v_at bigint;
  v_head rescind.head;
  v_epoch record;
  v_row record;
BEGIN
${CHECKED}
  SELECT s.timeline >= v_timeline INTO v_settled FROM rescind.store s FOR UPDATE;
  FOR v_epoch IN SELECT * FROM json_to_recordset(p_epochs) AS t(r integer, seq bigint, ordinal integer, rule bytea) ORDER BY t.r
  LOOP
    -- A log that is not here at all goes on with its next epoch: its first one would be another than the nodes have known.
    INSERT INTO rescind.head (realm, ordinal, seq, chain, at, groups, tokens, forked, moved_by)
      VALUES (v_epoch.r, 0, 0, decode(repeat('00', 32), 'hex'), 0, 0, 0, false, pg_current_xact_id()) ON CONFLICT DO NOTHING;
    SELECT * INTO v_head FROM rescind.head h WHERE h.realm = v_epoch.r FOR UPDATE;
    IF v_head.seq IS DISTINCT FROM v_epoch.seq THEN
      RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'a log has moved since its end was read';
    END IF;
    v_at := greatest(v_head.at, rescind.clock_1());
    FOR v_row IN
      SELECT 0::bigint AS seq, p_kind AS kind, v_epoch.rule AS rule, convert_to(p_audit, 'UTF8') AS audit
      UNION ALL SELECT c.seq, c.kind, c.rule, c.audit FROM rescind.carried c
        WHERE c.timeline = v_timeline AND c.realm = v_epoch.r
      ORDER BY seq
    LOOP
      v_head.seq := v_head.seq + 1;
      v_head.chain := sha256(v_head.chain || int8send(v_head.seq) || int8send(v_at) || substring(int2send(v_row.kind) FROM 2)
        || sha256(v_row.rule) || sha256(v_row.audit));
      -- Without keys a row concerns every write.
      INSERT INTO rescind.log (realm, seq, at, kind, rule, audit, chain, keys)
        VALUES (v_epoch.r, v_head.seq, v_at, v_row.kind, v_row.rule, v_row.audit, v_head.chain, NULL);
    END LOOP;
    UPDATE rescind.head h SET seq = v_head.seq, chain = v_head.chain, ordinal = v_epoch.ordinal, at = v_at,
      groups = h.groups + 1, forked = false, moved_by = pg_current_xact_id() WHERE h.realm = v_epoch.r;
    DELETE FROM rescind.carried c WHERE c.realm = v_epoch.r;
  END LOOP;
  WITH joined AS (UPDATE rescind.testimony w SET joined = true WHERE w.timeline = v_timeline
    AND (w.realms <> '{}' OR json_array_length(p_epochs) > 0)
    AND NOT EXISTS (SELECT FROM unnest(w.realms) AS k(r)
      WHERE k.r NOT IN (SELECT t.r FROM json_to_recordset(p_epochs) AS t(r integer)))
    RETURNING w.node, w.realms),
  -- Their processes end, and answer nothing since they testified; one that lacked nothing may have gone on meanwhile.
  gone AS (DELETE FROM rescind.lease l USING joined j WHERE l.node = j.node AND (j.realms <> '{}' OR NOT v_settled))
  DELETE FROM rescind.fold_mark m USING joined j WHERE m.node = j.node AND (j.realms <> '{}' OR NOT v_settled);
${SETTLED}END
$join$;
`

/** Marks a log that was proved to be rolled back: every node refuses it, until a new epoch begins there. */
export const FORKED_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.forked_1(p_place text, p_realm integer) RETURNS void LANGUAGE plpgsql VOLATILE AS $forked$
BEGIN
${CHECKED}
  UPDATE rescind.head h SET forked = true, moved_by = pg_current_xact_id() WHERE h.realm = p_realm;
END
$forked$;
`

/**
 * The store is used on this timeline from now on. `p_asked`: only if every node has testified, and nothing is missing; else
 * an operator says so.
 */
export const SETTLE_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.settle_1(p_place text, p_asked boolean) RETURNS void LANGUAGE plpgsql VOLATILE AS $settle$
DECLARE
  v_timeline bigint := ${TIMELINE};
BEGIN
${CHECKED}
  PERFORM FROM rescind.store s FOR UPDATE;
  IF p_asked AND (
    EXISTS (SELECT FROM rescind.testimony w WHERE w.timeline = v_timeline AND w.realms <> '{}')
    OR EXISTS (${SILENT})
  ) THEN
    RAISE EXCEPTION USING ERRCODE = '40001', MESSAGE = 'another node has testified meanwhile';
  END IF;
${SETTLED}END
$settle$;
`
