import type { Reads } from './reads.ts'
import { REFUSE_ELSEWHERE, REFUSE_MOVED } from './setup-functions.ts'

/** Far longer than any lease. A process that stood still for so long and wakes up finds its rows gone, and ends. */
const STILL_MS = 600_000

/**
 * Removes the rows of nodes that are as they were when `p_rows` was read. Raising a counter in between keeps them. What is left
 * of such a node's group can then be written no more.
 */
export const FORGET_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.forget_1(p_place text, p_rows json) RETURNS void LANGUAGE plpgsql VOLATILE AS $forget$
DECLARE
  v_row record;
BEGIN
  PERFORM set_config('lock_timeout', '1000', true);
${REFUSE_ELSEWHERE}${REFUSE_MOVED}
  FOR v_row IN SELECT * FROM json_to_recordset(p_rows) AS t(node uuid, fence bigint, no bigint, counter bigint) LOOP
    IF v_row.counter IS NOT NULL THEN
      DELETE FROM rescind.lease l WHERE l.node = v_row.node AND l.counter = v_row.counter;
      CONTINUE WHEN NOT FOUND;
    ELSE
      CONTINUE WHEN EXISTS (SELECT FROM rescind.lease l WHERE l.node = v_row.node);
    END IF;
    DELETE FROM rescind.fold_mark m WHERE m.node = v_row.node;
    DELETE FROM rescind.node n WHERE n.id = v_row.node
      AND (v_row.counter IS NOT NULL OR n.fence = v_row.fence AND n.group_no = v_row.no);
  END LOOP;
  -- A mark that came after its node had left, or was forgotten.
  DELETE FROM rescind.fold_mark m WHERE NOT EXISTS (SELECT FROM rescind.lease l WHERE l.node = m.node);
END
$forget$;
`

/** A node that has left, or not joined yet, has no counter; then its groups count. */
const NODES = `SELECT n.id, n.fence, n.group_no, l.counter FROM rescind.node n
  LEFT JOIN rescind.lease l ON l.node = n.id WHERE n.id <> $1`
type NodeRow = readonly [id: string, fence: number, groupNo: number, counter: number | null]

type Seen = { readonly row: string; readonly sinceMs: number }

/** Forgets the processes that ended, by watching their rows stand still; no clock but this process's own is asked. */
export class DeadNodes {
  readonly #nodeId: string
  readonly #reads: Reads
  #seen: ReadonlyMap<string, Seen> = new Map()

  constructor(nodeId: string, reads: Reads) {
    this.#nodeId = nodeId
    this.#reads = reads
  }

  /** @throws StoreUnavailable. */
  async forget(nowMs: number): Promise<void> {
    const rows = await this.#reads.rows<NodeRow>(NODES, [this.#nodeId], 'pages')
    this.#seen = new Map(rows.map((row) => [row[0], this.#sighting(row, nowMs)]))
    const still = rows.filter(([id]) => nowMs - (this.#seen.get(id)?.sinceMs ?? nowMs) >= STILL_MS)
    if (still.length === 0) return
    const gone = still.map(([node, fence, no, counter]) => ({ node, fence, no, counter }))
    const values = [this.#reads.place, JSON.stringify(gone)]
    await this.#reads.rows('SELECT rescind.forget_1($1, $2)', values, 'pages')
  }

  #sighting(row: NodeRow, nowMs: number): Seen {
    const seen = this.#seen.get(row[0])
    const now = row.join(' ')
    return seen?.row === now ? seen : { row: now, sinceMs: nowMs }
  }
}
