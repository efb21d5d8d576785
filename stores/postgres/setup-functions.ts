/**
 * Claims a node's fence: the group in flight either has committed by then, or never will. Waits for that group's lock.
 * No row: the fence is another's, or gone.
 */
export const FENCE_FUNCTION = `
CREATE OR REPLACE FUNCTION rescind.fence_1(p_node uuid, p_from bigint, p_to bigint, OUT group_no bigint, OUT reply json)
RETURNS SETOF record LANGUAGE plpgsql VOLATILE AS $fence$
BEGIN
  PERFORM set_config('lock_timeout', '1000', true);
  IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  RETURN QUERY UPDATE rescind.node n SET fence = p_to
    WHERE n.id = p_node AND n.fence >= p_from AND n.fence < p_to RETURNING n.group_no, n.reply;
END
$fence$;
`

/** Which server this is: its system identifier and the timeline that it writes. Fails on a standby. */
export const PLACE_FUNCTION = `
CREATE OR REPLACE FUNCTION rescind.place_1() RETURNS text LANGUAGE sql VOLATILE AS $place$
  SELECT system_identifier::text || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) FROM pg_control_system()
$place$;
`
