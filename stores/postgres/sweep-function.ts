import { BY_INDEX, REFUSE_ELSEWHERE, REFUSE_MOVED } from './setup-functions.ts'

/**
 * Removes what has ended, without the lock of its realm: rows that a group holds are skipped, and a group that meets one of
 * these waits for no flush. What a crash brings back is below the floor, and goes again.
 */
export const SWEEP_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.sweep_1(p_realm integer, p_place text, p_tokens json, p_entries json) RETURNS void
LANGUAGE plpgsql VOLATILE AS $sweep$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
${BY_INDEX}${REFUSE_ELSEWHERE}${REFUSE_MOVED}
  WITH ended AS MATERIALIZED (
    SELECT found.* FROM json_to_recordset(p_tokens) AS o(digest text, handle text, ends bigint)
      CROSS JOIN LATERAL (SELECT t.ctid AS place, t.handle FROM rescind.token t WHERE t.digest = o.digest COLLATE "C"
        AND t.realm + 0 = p_realm AND t.handle = o.handle COLLATE "C" AND t.expires_at = coalesce(o.ends, t.expires_at)
        FOR UPDATE SKIP LOCKED) found
  ), gone AS (
    DELETE FROM rescind.token WHERE ctid = ANY (ARRAY(SELECT e.place FROM ended e))
  )
  DELETE FROM rescind.consumption WHERE ctid = ANY (ARRAY(SELECT found.place FROM ended e
    CROSS JOIN LATERAL (SELECT c.ctid AS place FROM rescind.consumption c
      WHERE c.realm = p_realm AND c.handle = e.handle FOR UPDATE SKIP LOCKED) found));
  DELETE FROM rescind.expiring WHERE ctid = ANY (ARRAY(
    SELECT found.place FROM json_to_recordset(p_entries) AS o(kind text, id text, ends bigint)
      CROSS JOIN LATERAL (SELECT e.ctid AS place FROM rescind.expiring e WHERE e.realm = p_realm
        AND e.kind = o.kind COLLATE "C" AND e.id = o.id COLLATE "C" AND e.expires_at = coalesce(o.ends, e.expires_at)
        FOR UPDATE SKIP LOCKED) found));
END
$sweep$;
`
