import { StoreRefused } from '@rescind/core'
import type { Came, Moved } from '../move/ends.ts'
import type { Connection } from './connection.ts'

/** The schema that a store is copied into: no server looks there. */
export const STAGE = 'rescind_moving'
export const STORE = 'rescind'

/** What the store row of a schema says of moves; undefined: there is no store. */
export async function movesOf(
  connection: Connection,
  schema: string,
): Promise<{ readonly moved: Moved | undefined; readonly came: Came | undefined } | undefined> {
  const table = "SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'store'"
  if ((await connection.rows(table, [schema])).length === 0) return undefined
  const sql = `SELECT moved_id, moved_to, came_id, came_from, moved_over::text FROM ${schema}.store`
  const [row] = await connection.rows<readonly (string | null)[]>(sql)
  const [movedId, to, cameId, from, over] = row ?? []
  return {
    moved: to == null ? undefined : { id: movedId ?? '', to, isOver: over === 'true' },
    came: from == null ? undefined : { id: cameId ?? '', from },
  }
}

/** @throws StoreRefused where half a copy lies: a new store beside it would be another one. */
export async function refuseMoving(connection: Connection): Promise<void> {
  const [store, stage] = [await movesOf(connection, STORE), await movesOf(connection, STAGE)]
  if (store === undefined && stage !== undefined)
    throw new StoreRefused(
      `the schema ${STAGE} is half a copy of another store: run the same \`rescind store migrate\` again, or drop it`,
    )
}
