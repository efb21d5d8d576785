import { nodeOf } from './instance-rows.ts'
import type { Reads } from './reads.ts'
import { DURABLY, REFUSE_ELSEWHERE } from './setup-functions.ts'

/** Most announcements change nothing, and must not hold up a heartbeat, which updates the same row. */
export const ANNOUNCE_FUNCTION: string = `
CREATE OR REPLACE FUNCTION rescind.announce_1(p_node uuid, p_place text, p_keys text[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $announce$
BEGIN
  PERFORM set_config('lock_timeout', '1000', true);
${DURABLY}${REFUSE_ELSEWHERE}
  UPDATE rescind.lease l SET keys = p_keys WHERE l.node = p_node AND l.keys <> p_keys;
END
$announce$;
`

const ANNOUNCE = 'SELECT rescind.announce_1($1, $2, $3)'
const ANNOUNCED = 'SELECT l.node::text, array_to_json(l.keys) FROM rescind.lease l'

/** Which master keys the nodes have, by the ids of these. */
export class AnnouncedKeys {
  readonly #nodeId: string
  readonly #reads: Reads

  constructor(nodeId: string, reads: Reads) {
    this.#nodeId = nodeId
    this.#reads = reads
  }

  /** @throws StoreUnavailable. */
  async announce(ids: readonly string[]): Promise<void> {
    const { place } = this.#reads
    await this.#reads.rows(ANNOUNCE, [this.#nodeId, place, `{${ids.join(',')}}`], 'pages')
  }

  /** @throws StoreUnavailable. */
  async read(): Promise<ReadonlyMap<string, readonly string[]>> {
    const rows = await this.#reads.rows<readonly [string, readonly string[]]>(ANNOUNCED, [], 'pages')
    return new Map(rows.map(([node, ids]) => [nodeOf(node), ids]))
  }
}
