import { BY_INDEX, DURABLY, GATE, REFUSE_ELSEWHERE, REFUSE_MOVED } from './setup-functions.ts'

/** Rows that a node may be behind when its write is judged by their keys. */
const BEHIND_MAX = 1_000
/** Bytes of rows that a reply brings along: a reply to a client that stopped reading holds the locks while it is sent. */
const MISSED_BYTES = 262_144
/** How long a group waits for one lock. */
const LOCK_WAIT_MS = 2_000
/** Classes of errors that a write's own content brings about. That a key is there twice says that the store is damaged. */
export const CONTENT_CLASSES: readonly string[] = ['21', '22', '54']
const OF_CONTENT = CONTENT_CLASSES.map((one) => `SQLSTATE '${one}000'`).join(' OR ')

/**
 * Commits one group, as one statement of its own transaction. In this order: the node's fence row, the realms by ordinal
 * (exclusively those it writes to, shared those it only depends on), what the others committed meanwhile, the writes, the
 * heads. Statements within a VOLATILE function see what was committed while it waited for a lock.
 *
 * `p_realms`: by ordinal, whether the group writes there (`own`), and what the node had folded (`seq` null: it judges by
 * nothing). `p_deps`: per write and realm, the keys that it depends on. `p_writes`: per realm the operations; `plain`: none
 * of its writes can fail halfway. `p_upkeep`: the fence of the upkeep, and the writes that are refused
 * as stale once another node has it. `p_careful`: a write whose content PostgreSQL refuses conflicts alone; without it the
 * group fails, unless one of its writes can fail halfway.
 */
export const GROUP_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.group_1(
  p_node uuid, p_fence bigint, p_no bigint, p_place text, p_floor bigint, p_realms json, p_deps json, p_writes json,
  p_upkeep json DEFAULT NULL, p_careful boolean DEFAULT false, OUT reply json, OUT missed json
) LANGUAGE plpgsql VOLATILE AS $group$
DECLARE
  v_realm record;
  v_head rescind.head;
  v_node rescind.node;
  v_at bigint;
  v_done record;
  v_skip integer[] := '{}';
  v_forked integer[] := '{}';
  v_behind integer[] := '{}';
  v_ended integer[] := '{}';
  v_moved integer[] := '{}';
  v_forked_writes integer[] := '{}';
  v_stale integer[] := '{}';
  v_ousted integer[] := '{}';
  v_known bytea;
  v_writes integer[] := '{}';
  v_codes bigint[] := '{}';
  v_heads json[] := '{}';
  v_from bigint;
BEGIN
  PERFORM set_config('lock_timeout', '${LOCK_WAIT_MS}', true);
${BY_INDEX}${DURABLY}  IF current_setting('transaction_isolation') <> 'read committed' OR current_setting('statement_timeout') <> '0'
    OR coalesce(current_setting('transaction_timeout', true), '0') <> '0' THEN
    RAISE EXCEPTION USING ERRCODE = 'RS003', MESSAGE =
      'a group needs isolation "read committed", statement_timeout = 0 and transaction_timeout = 0';
  END IF;
${REFUSE_ELSEWHERE}
${REFUSE_MOVED}
  SELECT * INTO v_node FROM rescind.node n WHERE n.id = p_node FOR UPDATE;
  IF NOT FOUND OR v_node.fence <> p_fence OR v_node.group_no >= p_no THEN
    RAISE EXCEPTION USING ERRCODE = 'RS002', MESSAGE = 'the fence of this node was raised, or its row is gone';
  END IF;

  IF p_upkeep IS NOT NULL THEN
    -- Whoever takes the upkeep over waits for this group.
    PERFORM FROM rescind.upkeep u WHERE u.owner = p_node AND u.fence = (p_upkeep->>'fence')::bigint FOR SHARE;
    IF NOT FOUND AND EXISTS (SELECT FROM rescind.upkeep) THEN
      v_ousted := ARRAY(SELECT w::integer FROM json_array_elements_text(p_upkeep->'writes') AS w);
    END IF;
  END IF;

  -- A row lock alone would let a stream of sharers starve a writer (tried); the lock manager serves these in turn.
  FOR v_realm IN SELECT t.r, t.own FROM json_to_recordset(p_realms) AS t(r integer, own boolean) ORDER BY t.r LOOP
    IF v_realm.own THEN
      PERFORM pg_advisory_xact_lock(${GATE}, v_realm.r);
      PERFORM FROM rescind.head h WHERE h.realm = v_realm.r FOR UPDATE;
      IF NOT FOUND THEN
        INSERT INTO rescind.head (realm, ordinal, seq, chain, at, groups, tokens, forked, moved_by)
          VALUES (v_realm.r, 0, 0, decode(repeat('00', 32), 'hex'), 0, 0, 0, false, pg_current_xact_id());
      END IF;
    ELSE
      PERFORM pg_advisory_xact_lock_shared(${GATE}, v_realm.r);
    END IF;
  END LOOP;

  FOR v_realm IN SELECT t.r, t.ordinal, t.seq, t.chain
    FROM json_to_recordset(p_realms) AS t(r integer, ordinal integer, seq bigint, chain bytea)
  LOOP
    SELECT * INTO v_head FROM rescind.head h WHERE h.realm = v_realm.r;
    -- An epoch that begins in this group takes the mark off.
    IF v_head.forked AND NOT EXISTS (SELECT FROM json_to_recordset(p_writes) AS t(r integer, ops json),
      json_array_elements(t.ops) AS o WHERE t.r = v_realm.r AND (o->>'ordinal')::integer > v_head.ordinal) THEN
      v_forked := v_forked || v_realm.r;
    END IF;
    CONTINUE WHEN v_realm.seq IS NULL OR v_realm.seq = 0 AND v_head.seq IS NULL;
    v_known := CASE WHEN v_realm.seq = 0 THEN decode(repeat('00', 32), 'hex')
      WHEN v_realm.seq = v_head.seq THEN v_head.chain
      ELSE coalesce(
        (SELECT l.chain FROM rescind.log l WHERE l.realm = v_realm.r AND l.seq = v_realm.seq),
        (SELECT a.chain FROM rescind.log_anchor a WHERE a.realm = v_realm.r AND a.seq = v_realm.seq)) END;
    IF v_realm.seq > coalesce(v_head.seq, 0) OR v_realm.ordinal > v_head.ordinal OR v_known <> v_realm.chain THEN
      v_forked := v_forked || v_realm.r;
    ELSIF v_known IS NULL OR v_head.seq - v_realm.seq > ${BEHIND_MAX}
      OR EXISTS (SELECT FROM rescind.log_anchor a WHERE a.realm = v_realm.r AND a.seq > v_realm.seq) THEN
      v_behind := v_behind || v_realm.r;
    ELSIF v_head.ordinal <> v_realm.ordinal THEN
      v_ended := v_ended || v_realm.r;
    ELSIF v_head.seq > v_realm.seq THEN
      v_moved := v_moved || v_realm.r;
    END IF;
  END LOOP;

  IF v_moved <> '{}' THEN
    v_stale := coalesce((
      WITH realms AS MATERIALIZED (
        SELECT t.r, t.seq FROM json_to_recordset(p_realms) AS t(r integer, seq bigint) WHERE t.r = ANY (v_moved)
      ), since AS MATERIALIZED (
        SELECT l.realm, l.keys FROM realms JOIN rescind.log l ON l.realm = realms.r AND l.seq > realms.seq
      ), named AS MATERIALIZED (
        SELECT DISTINCT since.realm, k FROM since, unnest(since.keys) AS k
      )
      SELECT array_agg(DISTINCT d.w) FROM json_to_recordset(p_deps) AS d(w integer, r integer, keys uuid[])
      WHERE d.r IN (SELECT since.realm FROM since WHERE since.keys IS NULL)
        OR EXISTS (SELECT FROM named WHERE named.realm = d.r AND named.k = ANY (d.keys))), '{}');
  END IF;
  IF v_forked <> '{}' THEN
    v_forked_writes := coalesce((SELECT array_agg(DISTINCT d.w)
      FROM json_to_recordset(p_deps) AS d(w integer, r integer) WHERE d.r = ANY (v_forked)), '{}');
  END IF;
  IF v_behind <> '{}' OR v_ended <> '{}' THEN
    v_stale := v_stale || coalesce((SELECT array_agg(DISTINCT d.w)
      FROM json_to_recordset(p_deps) AS d(w integer, r integer) WHERE d.r = ANY (v_behind || v_ended)), '{}');
  END IF;
  v_stale := v_stale || v_ousted;
  v_skip := v_stale || v_forked_writes;
  missed := rescind.missed_1(p_realms, v_moved || v_ended || v_behind);

  FOR v_realm IN SELECT t.r, t.plain, t.ops FROM json_to_recordset(p_writes) AS t(r integer, plain boolean, ops json) LOOP
    SELECT * INTO v_head FROM rescind.head h WHERE h.realm = v_realm.r;
    v_from := v_head.seq;
    v_at := greatest(v_head.at, rescind.clock_1());
    IF v_realm.plain AND NOT p_careful THEN
      SELECT * INTO v_done FROM rescind.apply_1(v_realm.r, v_at, v_realm.ops, v_skip,
        v_head.seq, v_head.chain, v_head.ordinal, v_head.tokens);
    ELSE
      BEGIN
        SELECT * INTO v_done FROM rescind.apply_1(v_realm.r, v_at, v_realm.ops, v_skip,
          v_head.seq, v_head.chain, v_head.ordinal, v_head.tokens);
      EXCEPTION WHEN SQLSTATE 'RS001' OR ${OF_CONTENT} THEN
        SELECT * INTO v_done FROM rescind.apply_each_1(v_realm.r, v_at, v_realm.ops, v_skip,
          v_head.seq, v_head.chain, v_head.ordinal, v_head.tokens);
      END;
    END IF;
    UPDATE rescind.head h SET seq = v_done.io_seq, chain = v_done.io_chain, ordinal = v_done.io_ordinal,
      tokens = v_done.io_tokens, forked = h.forked AND v_done.io_ordinal <= v_head.ordinal,
      groups = h.groups + 1, moved_by = pg_current_xact_id(),
      at = CASE WHEN v_done.io_seq > v_from THEN v_at ELSE h.at END
      WHERE h.realm = v_realm.r;
    v_writes := v_writes || v_done.o_writes;
    v_codes := v_codes || v_done.o_codes;
    v_heads := v_heads || json_build_object('r', v_realm.r, 'from', v_from, 'seq', v_done.io_seq,
      'chain', encode(v_done.io_chain, 'hex'), 'at', v_at, 'keeps', v_done.o_keeps,
      'groups', v_head.groups + 1, 'ordinal', v_done.io_ordinal);
  END LOOP;

  IF p_floor > (SELECT s.floor FROM rescind.store s) THEN
    UPDATE rescind.store s SET floor = greatest(s.floor, p_floor);
  END IF;
  reply := json_build_object('writes', v_writes, 'codes', v_codes, 'stale', v_stale, 'forked', v_forked_writes,
    'forks', v_forked, 'heads', v_heads);
  UPDATE rescind.node n SET group_no = p_no, reply = group_1.reply WHERE n.id = p_node;
END
$group$;
`

/** Applies each write alone, because one of them conflicts after it has changed something, or is refused for its content. */
export const APPLY_EACH_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.apply_each_1(
  p_realm integer, p_at bigint, p_ops json, p_skip integer[],
  INOUT io_seq bigint, INOUT io_chain bytea, INOUT io_ordinal integer, INOUT io_tokens bigint,
  OUT o_writes integer[], OUT o_codes bigint[], OUT o_keeps json
) LANGUAGE plpgsql VOLATILE AS $each$
DECLARE
  v_write record;
  v_done record;
  v_keeps jsonb := '[]';
BEGIN
  o_writes := '{}';
  o_codes := '{}';
  FOR v_write IN SELECT (o->>'w')::integer AS w, json_agg(o ORDER BY n) AS ops
    FROM json_array_elements(p_ops) WITH ORDINALITY AS t(o, n) GROUP BY 1 ORDER BY min(n)
  LOOP
    BEGIN
      SELECT * INTO v_done FROM rescind.apply_1(p_realm, p_at, v_write.ops, p_skip, io_seq, io_chain, io_ordinal, io_tokens);
      io_seq := v_done.io_seq;
      io_chain := v_done.io_chain;
      io_ordinal := v_done.io_ordinal;
      io_tokens := v_done.io_tokens;
      o_writes := o_writes || v_done.o_writes;
      o_codes := o_codes || v_done.o_codes;
      v_keeps := v_keeps || coalesce(v_done.o_keeps::jsonb, '[]');
    EXCEPTION WHEN SQLSTATE 'RS001' THEN
      o_writes := o_writes || v_write.w;
      o_codes := o_codes || SQLERRM::bigint;
    WHEN ${OF_CONTENT} THEN
      o_writes := o_writes || v_write.w;
      o_codes := o_codes || -4::bigint;
    END;
  END LOOP;
  o_keeps := v_keeps::json;
END
$each$;
`

/** Rows that the node had not folded, from the lowest on, while they fit into one reply. */
export const MISSED_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.missed_1(p_realms json, p_which integer[], OUT rows json)
LANGUAGE plpgsql VOLATILE AS $missed$
BEGIN
  IF p_which = '{}' THEN RETURN; END IF;
  rows := (
    SELECT json_agg(json_build_array(m.realm, m.seq, m.at, m.kind, encode(m.rule, 'hex'), convert_from(m.audit, 'UTF8'),
      encode(m.audit_hash, 'hex'), encode(m.chain, 'hex')) ORDER BY m.realm, m.seq)
    FROM (
      SELECT l.*, sum(2 * (octet_length(l.rule) + coalesce(octet_length(l.audit), 0)) + 256)
        OVER (ORDER BY l.realm, l.seq) AS bytes
      FROM json_to_recordset(p_realms) AS t(r integer, seq bigint)
      CROSS JOIN LATERAL (SELECT r.realm, r.seq, r.at, r.kind, r.rule, r.audit, r.audit_hash, r.chain FROM rescind.log r
        WHERE r.realm = t.r AND r.seq > t.seq ORDER BY r.seq LIMIT ${BEHIND_MAX}) l
      WHERE t.r = ANY (p_which)
    ) m
    WHERE m.bytes <= ${MISSED_BYTES});
END
$missed$;
`
