import { REFUSE_MOVED } from './setup-functions.ts'

/**
 * Removes what has ended, without the lock of its realm: rows that a group holds are skipped, and a group that meets one of
 * these waits for no flush. What a crash brings back is below the floor, and goes again.
 */
export const SWEEP_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.sweep_1(p_realm integer, p_tokens json, p_entries json) RETURNS void
LANGUAGE plpgsql VOLATILE AS $sweep$
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true), set_config('enable_seqscan', 'off', true),
    set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true);
${REFUSE_MOVED}
  WITH ended AS MATERIALIZED (
    SELECT t.digest, t.handle FROM json_to_recordset(p_tokens) AS o(digest text, handle text, ends bigint)
      JOIN rescind.token t ON t.realm = p_realm AND t.digest = o.digest COLLATE "C"
        AND t.handle = o.handle COLLATE "C" AND t.expires_at = coalesce(o.ends, t.expires_at)
      FOR UPDATE OF t SKIP LOCKED
  ), gone AS (
    DELETE FROM rescind.token t USING ended e WHERE t.realm = p_realm AND t.digest = e.digest
  )
  DELETE FROM rescind.consumption c USING ended e WHERE c.realm = p_realm AND c.handle = e.handle;
  WITH ended AS MATERIALIZED (
    SELECT e.kind, e.id FROM json_to_recordset(p_entries) AS o(kind text, id text, ends bigint)
      JOIN rescind.expiring e ON e.realm = p_realm AND e.kind = o.kind COLLATE "C" AND e.id = o.id COLLATE "C"
        AND e.expires_at = coalesce(o.ends, e.expires_at)
      FOR UPDATE OF e SKIP LOCKED
  )
  DELETE FROM rescind.expiring x USING ended e WHERE x.realm = p_realm AND x.kind = e.kind AND x.id = e.id;
END
$sweep$;
`
