import type { Client } from '../../remote/client.ts'
import { listOf, type Members, membersOf, textOf, textsOf } from '../../remote/members.ts'

/** Holds of a realm that are looked at; those that are placed earlier come first. */
const HOLDS_MAX = 500
/** Answers after which findings are told without their holds. */
const NOT_NOW = [403, 404, 429, 503]

/** Findings that are held, each with the ids of the holds in force over it. */
export async function withHolds(client: Client, findings: readonly Members[]): Promise<readonly Members[]> {
  const realms = new Set(findings.filter(isHeld).map(({ realm }) => textOf(realm)))
  const holds = new Map<string, readonly Members[]>()
  for (const realm of realms) {
    const query = { realm, limit: String(HOLDS_MAX) }
    const answer = await client.get('/holds', { query, accept: NOT_NOW })
    holds.set(realm, listOf(membersOf(answer.json)['holds']))
  }
  return findings.map((one) => {
    if (!isHeld(one)) return one
    const over = (holds.get(textOf(one['realm'])) ?? []).filter(({ covers }) =>
      isOver(membersOf(covers), one),
    )
    return over.length === 0 ? one : { ...one, holds: over.map(({ id }) => textOf(id)) }
  })
}

function isHeld({ state }: Members): boolean {
  return state === 'held'
}

const NAMES = ['handle', 'grant', 'session', 'issuer', 'jti', 'subject', 'client', 'tenant', 'key'] as const

/** Whether everything that the rule names is of the finding. What cannot be told, such as an instant, is no match. */
function isOver(covers: Members, finding: Members): boolean {
  if (covers['kind'] === 'unreadable' || textOf(covers['issuedBefore']) !== '') return false
  const named = { ...finding, ...membersOf(finding['target']) }
  const sources = textsOf(covers['source'])
  if (sources.length > 0 && !sources.includes(textOf(finding['source']))) return false
  return NAMES.every((name) => covers[name] === undefined || covers[name] === named[name])
}
