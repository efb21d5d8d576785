import type { InstanceRow, InstancesRead, PublishedInstance } from '@rescind/authority'
import { realmOrdinal } from '@rescind/core'
import { INSTANCES, NO_NODE } from './instance-functions.ts'
import type { Reads } from './reads.ts'

type InstanceJson = readonly [
  node: string,
  realm: number,
  id: string,
  contacts: number,
  applied: number,
  body: string,
  isRemembered: boolean,
]
type InstancesJson = readonly [next: string, nodes: readonly string[], rows: readonly InstanceJson[]]

/** Before every transaction. */
const EVER = '0'

/** Null: a heartbeat has nothing to say about verifiers. */
export function instancesJson(rows: readonly InstanceRow[]): string | null {
  if (rows.length === 0) return null
  return JSON.stringify(
    rows.map(({ realm: r, id, contacts, applied, seenMs, body = null }) => {
      return { r, id, contacts, applied, seen: Math.floor(seenMs), body }
    }),
  )
}

/** @throws StoreUnavailable. */
export async function readInstances(reads: Reads, since: string = EVER): Promise<InstancesRead> {
  const [row] = await reads.rows<InstancesJson>(INSTANCES, [since], 'keys')
  const [next, nodes, rows] = row ?? [since, [], []]
  return { next, nodes: new Set(nodes.map(nodeOf)), rows: rows.map(published) }
}

function published([
  node,
  realm,
  id,
  contacts,
  applied,
  body,
  isRemembered,
]: InstanceJson): PublishedInstance {
  const named = node === NO_NODE ? undefined : nodeOf(node)
  return { node: named, realm: realmOrdinal(realm), id, contacts, applied, body, isRemembered }
}

/** As the node names itself: PostgreSQL writes a uuid with dashes. */
export function nodeOf(uuid: string): string {
  return uuid.replaceAll('-', '')
}
