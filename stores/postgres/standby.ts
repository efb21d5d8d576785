import { setTimeout as wait } from 'node:timers/promises'

/** Pause between two looks at what the standbys have flushed. */
const LOOK_MS = 2

/**
 * Whether a synchronous standby has flushed the log up to a place; first, up to where this server has flushed it. Nothing else
 * says so: emptying `synchronous_standby_names` releases a waiting commit as plain success (tried).
 */
const FLUSHED = `SELECT own.lsn::text, EXISTS (SELECT FROM pg_stat_replication s
    WHERE s.sync_state IN ('sync', 'quorum') AND s.flush_lsn >= own.lsn), rescind.place_1()
  FROM (SELECT coalesce($1::pg_lsn, pg_current_wal_flush_lsn()) AS lsn) own`

type Flushed = readonly [lsn: string, isFlushed: boolean, place: string]
type Ask = (sql: string, values: readonly (string | null)[]) => Promise<readonly Flushed[]>

/** The role must see all of `pg_stat_replication`. */
export const SEES_STANDBYS = "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')"

/**
 * Waits until a synchronous standby has everything that this server had when the wait began. False: that is not known.
 * @param ask on the connection that wrote, or any other to the same place.
 */
export async function isOnStandby(ask: Ask, place: string, untilMs: number): Promise<boolean> {
  let lsn: string | null = null
  for (;;) {
    const [row] = await ask(FLUSHED, [lsn])
    if (row === undefined || row[2] !== place) return false
    if (row[1]) return true
    if (performance.now() >= untilMs) return false
    lsn = row[0]
    await wait(LOOK_MS)
  }
}
