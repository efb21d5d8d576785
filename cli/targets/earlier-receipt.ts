import type { Client } from '../remote/client.ts'
import { listOf, type Members, membersOf, textOf } from '../remote/members.ts'

/** Ids that name one thing, each with what else belongs to it, the narrowest first. */
const NAMES = [['handle'], ['issuer', 'jti'], ['grant'], ['source', 'session']] as const

/** Answers after which what was asked is said without the receipt. */
const NOT_NOW = [403, 422, 429, 503]

/**
 * The newest receipt that names something by its own id; undefined when there is none, or when it cannot be looked for now.
 * A receipt over its subject, its client or a whole source is not among them.
 */
export async function earlierReceipt(client: Client, named: Members): Promise<Members | undefined> {
  for (const ids of NAMES) {
    const query = Object.fromEntries(ids.map((id) => [id, textOf(named[id])]))
    if (Object.values(query).includes('')) continue
    const answer = await client.get('/revocations', { query: { ...query, limit: '1' }, accept: NOT_NOW })
    const [receipt] = listOf(membersOf(answer.json)['revocations'])
    if (receipt !== undefined) return receipt
  }
  return undefined
}
