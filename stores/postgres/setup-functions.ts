/** The first half of the advisory keys by which transactions wait for each other in turn; the second half is a realm, or below. */
export const GATE = 1_381_188_420
/** The second half for what must not pass a move of the store: shared by writers, exclusive for the move. */
export const MOVE_GATE: number = -2

/**
 * For a function that writes, before its first look at what it changes: a move waits for it, or it sees the move. The code
 * RS005 ends the process, whose caches would go on answering for a store that is elsewhere.
 */
export const REFUSE_MOVED: string = `
  PERFORM pg_advisory_xact_lock_shared(${GATE}, ${MOVE_GATE});
  IF (SELECT s.moved_to IS NOT NULL FROM rescind.store s) THEN
    RAISE EXCEPTION USING ERRCODE = 'RS005',
      MESSAGE = format('this store was moved to %s', (SELECT s.moved_to FROM rescind.store s));
  END IF;
`

/** For a function that writes: only on the server that its caller means. A successor is examined before anything is written there. */
export const REFUSE_ELSEWHERE = `
  IF p_place <> rescind.place_1() THEN
    RAISE EXCEPTION USING ERRCODE = 'RS004', DETAIL = rescind.place_1(),
      MESSAGE = format('this is the server %s, not %s', rescind.place_1(), p_place);
  END IF;
`

/** What synchronous_commit may be where a commit is acknowledged. */
export const DURABLE_COMMITS: readonly string[] = ['on', 'remote_apply']

/** For a function that writes, whatever its role's settings are: a commit waits, and warns when a standby may lack it. */
export const DURABLY: string = `
  PERFORM set_config('client_min_messages', 'warning', true);
  IF current_setting('synchronous_commit') NOT IN (${DURABLE_COMMITS.map((one) => `'${one}'`).join(', ')}) THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
`

/**
 * For a function with look-ups. A plan that was made when a table was small lives as long as the session; compiling one costs
 * 100 ms and more (tried).
 */
export const BY_INDEX = `
  PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true);
`

/**
 * Claims a node's fence: the group in flight either has committed by then, or never will. Waits for that group's lock.
 * No row: the fence is another's, or gone.
 */
export const FENCE_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.fence_1(
  p_node uuid, p_from bigint, p_to bigint, p_place text, OUT group_no bigint, OUT reply json)
RETURNS SETOF record LANGUAGE plpgsql VOLATILE AS $fence$
BEGIN
  PERFORM set_config('lock_timeout', '1000', true);
${DURABLY}${REFUSE_ELSEWHERE}
  RETURN QUERY UPDATE rescind.node n SET fence = p_to
    WHERE n.id = p_node AND n.fence >= p_from AND n.fence < p_to RETURNING n.group_no, n.reply;
END
$fence$;
`

/** The time of rows and heartbeats, in milliseconds. A statement may begin long before it gets its lock, so not `now()`. */
export const CLOCK_FUNCTION = `
CREATE OR REPLACE FUNCTION rescind.clock_1() RETURNS bigint LANGUAGE sql VOLATILE AS $clock$
  SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint
$clock$;
`

/** Which server this is: its system identifier and the timeline that it writes. Fails on a standby. */
export const PLACE_FUNCTION = `
CREATE OR REPLACE FUNCTION rescind.place_1() RETURNS text LANGUAGE sql VOLATILE AS $place$
  SELECT system_identifier::text || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) FROM pg_control_system()
$place$;
`

/** The same, and refuses every other server: only an error makes a pool give its connection up. */
export const HERE_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.here_1(p_place text) RETURNS text LANGUAGE plpgsql VOLATILE AS $here$
BEGIN
${REFUSE_ELSEWHERE}
  RETURN p_place;
END
$here$;
`
