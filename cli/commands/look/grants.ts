import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import { table } from '../../frame/lines.ts'
import { timeText } from '../../frame/times.ts'
import { openClient } from '../../remote/client.ts'
import { limitOf } from '../../remote/listing.ts'
import { type Members, membersOf, textOf } from '../../remote/members.ts'

const FILTERS = ['source', 'subject', 'client', 'tenant', 'grant', 'session'] as const

type Grant = {
  readonly grant: string
  readonly source: string
  readonly subject: string
  readonly client: string
  tokens: number
  /** The latest expiry of its tokens; undefined while one of them never expires. */
  expiresAt: string | undefined
}

/**
 * `rescind grants`: what is live, grant by grant. Tokens of one grant stand anywhere in the list of tokens, so all that
 * match are read, and only as many grants are kept as are listed.
 */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const limit = limitOf(call)
  const client = await openClient(call, io)
  const query = { ...Object.fromEntries(FILTERS.map((name) => [name, call.text(name)])), limit: '500' }
  const grants = new Map<string, Grant>()
  let isMore = false
  for await (const item of client.pages('/tokens', 'tokens', { query }))
    isMore = !isAdded(grants, membersOf(membersOf(item)['facts']), limit) || isMore
  const list = [...grants.values()]
  if (io.isJson) for (const grant of list) io.item(grant, () => [])
  else io.result(list, () => table(HEADS, list.map(rowOf), 'No such grants.'))
  if (isMore) io.note('There are more: --limit, or --all, shows them.')
  return EXIT.done
}

const HEADS = ['grant', 'source', 'subject', 'client', 'tokens', 'last expires']

function rowOf({ grant, source, subject, client, tokens, expiresAt }: Grant): readonly string[] {
  const expires = expiresAt === undefined ? 'never' : timeText(expiresAt)
  return [grant, source, subject || '-', client || '-', String(tokens), expires]
}

/** @returns false for a token of a grant that is beyond the limit. */
function isAdded(grants: Map<string, Grant>, facts: Members, limit: number): boolean {
  const [grant, source] = [textOf(facts['grant']), textOf(facts['source'])]
  if (grant === '') return true
  const expiresAt = textOf(facts['expiresAt']) || undefined
  const name = JSON.stringify([source, grant])
  const known = grants.get(name)
  if (known !== undefined) {
    known.tokens += 1
    known.expiresAt = later(known.expiresAt, expiresAt)
    return true
  }
  if (grants.size >= limit) return false
  const [subject, client] = [textOf(facts['subject']), textOf(facts['client'])]
  grants.set(name, { grant, source, subject, client, tokens: 1, expiresAt })
  return true
}

/** Undefined is never. */
function later(one: string | undefined, other: string | undefined): string | undefined {
  if (one === undefined || other === undefined) return undefined
  return Date.parse(one) > Date.parse(other) ? one : other
}
