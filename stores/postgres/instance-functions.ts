import { BY_INDEX } from './setup-functions.ts'

/** How long the last contact of a verifier that no node knows is remembered. */
const FORGOTTEN_MS = 86_400_000
/** The rows of nodes that are gone stand under this name. */
export const NO_NODE = '00000000-0000-0000-0000-000000000000'

/**
 * Within a heartbeat, in the transaction of its counter: whoever does not see these rows knows that what the node tells those
 * verifiers comes from heads that are read later still.
 */
export const PUT_INSTANCES: string = `
  IF p_instances IS NOT NULL THEN
${BY_INDEX}    DELETE FROM rescind.instance i USING json_to_recordset(p_instances) AS t(r integer, id text, body text)
      WHERE t.body IS NULL AND i.realm = t.r AND i.id = t.id AND i.node = p_node;
    INSERT INTO rescind.instance AS i (node, realm, id, contacts, applied, seen_at, body, put_by)
      SELECT p_node, t.r, t.id, t.contacts, t.applied, t.seen, t.body, pg_current_xact_id()
      FROM json_to_recordset(p_instances) AS t(r integer, id text, contacts bigint, applied bigint, seen bigint, body text)
      WHERE t.body IS NOT NULL
      ON CONFLICT (realm, id, node) DO UPDATE SET contacts = excluded.contacts, applied = excluded.applied,
        seen_at = excluded.seen_at, body = excluded.body, put_by = excluded.put_by;
  END IF;
`

/**
 * When the row of a node goes, what it knew about verifiers stays, under no node's name. It counts as a new contact: another
 * node may not have seen the last one. A verifier that no node has heard of for a day is forgotten.
 */
export const DEPARTED_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.departed_1() RETURNS trigger LANGUAGE plpgsql VOLATILE AS $departed$
BEGIN
  INSERT INTO rescind.instance AS i (node, realm, id, contacts, applied, seen_at, body, put_by)
    SELECT '${NO_NODE}', o.realm, o.id, pg_current_xact_id()::text::bigint, o.applied, o.seen_at, o.body, pg_current_xact_id()
    FROM rescind.instance o WHERE o.node = OLD.node ORDER BY o.realm, o.id
    ON CONFLICT (realm, id, node) DO UPDATE SET contacts = excluded.contacts, applied = greatest(i.applied, excluded.applied),
      seen_at = greatest(i.seen_at, excluded.seen_at), put_by = excluded.put_by,
      body = CASE WHEN excluded.seen_at >= i.seen_at THEN excluded.body ELSE i.body END;
  DELETE FROM rescind.instance i WHERE i.node = OLD.node;
  -- Another node that departs may hold some of these, and wait for rows that are held here.
  DELETE FROM rescind.instance WHERE (realm, id, node) IN (
    SELECT i.realm, i.id, i.node FROM rescind.instance i
    WHERE i.node = '${NO_NODE}' AND i.seen_at < rescind.clock_1() - ${FORGOTTEN_MS} FOR UPDATE SKIP LOCKED);
  RETURN NULL;
END
$departed$;
CREATE OR REPLACE TRIGGER departed AFTER DELETE ON rescind.lease FOR EACH ROW EXECUTE FUNCTION rescind.departed_1();
`

/**
 * What was put since a reading, with whether the verifier still has a stored contact, the nodes that there are, and from where
 * the next reading goes on: transactions that are under way now have an xid at or above it.
 */
export const INSTANCES = `SELECT pg_snapshot_xmin(pg_current_snapshot())::text,
  (SELECT coalesce(json_agg(l.node), '[]') FROM rescind.lease l),
  (SELECT coalesce(json_agg(json_build_array(i.node, i.realm, i.id, i.contacts, i.applied, i.body, EXISTS (
      SELECT FROM rescind.expiring e WHERE e.realm = i.realm AND e.kind = 'feed-instance' AND e.id = i.id))), '[]')
    FROM rescind.instance i WHERE i.put_by >= $1::text::xid8)`
