import { setTimeout as wait } from 'node:timers/promises'
import { sha256 } from '@rescind/core/bytes'
import { CHAIN_START, chainAfter } from '@rescind/core/log'
import { inParallel } from '../kit/in-parallel.ts'
import type { Cluster, DrillNode } from './cluster.ts'
import { atLast, type History, type Token } from './history.ts'
import { type Load, login } from './load.ts'
import { look, memberOf, pathsOf, timed } from './looks.ts'

/** Once the faults are over, everything answers again within this time, on a busy machine. */
const ANSWERS_WITHIN_MS = 20_000
const PAUSE_MS = 50
const AT_ONCE = 8

/** Every node answers, and every token is what it must be, on all of them. */
export async function checkTokens(
  cluster: Cluster,
  { history, tokens, admin }: { history: History; tokens: readonly Token[]; admin: string },
): Promise<void> {
  const asked = tokens.flatMap((token) => cluster.nodes.map((node) => ({ token, node })))
  await inParallel(asked, AT_ONCE, async ({ token, node }) => {
    const must = atLast(token)
    const paths = pathsOf(token)
    const path = paths[token.told.length % paths.length]
    if (must === undefined || path === undefined) return
    const seen = await answered(
      () => look(token, { node, path, admin }),
      ({ said }) => said !== 'nothing',
    )
    if (seen === undefined) return history.violation('no answer after the faults', token, node.name)
    history.saw(token, seen)
    if (seen.said !== must)
      history.violation(`is ${seen.said} at last, and must be ${must}`, token, seen.where)
  })
}

/** Whoever is enabled for certain can log in everywhere. */
export async function checkLogins({ cluster, load }: { cluster: Cluster; load: Load }): Promise<void> {
  const asked = load.users.flatMap(({ user, isClear }) =>
    user !== undefined && isClear ? cluster.nodes.map((node) => ({ user, node })) : [],
  )
  await inParallel(asked, AT_ONCE, async ({ user, node }) => {
    const seen = await answered(
      () => timed(() => login(node.calls, user)),
      ({ answer }) => answer !== undefined,
    )
    const status = seen?.answer?.status ?? 'no answer'
    if (status !== 200)
      load.history.violations.push(`${user.id} cannot log in at ${node.name} at last: ${status}`)
  })
}

/** Asks again while there is no answer, for a while. */
async function answered<T>(ask: () => Promise<T>, isAnswer: (one: T) => boolean): Promise<T | undefined> {
  const untilMs = performance.now() + ANSWERS_WITHIN_MS
  for (;;) {
    const one = await ask()
    if (isAnswer(one)) return one
    if (performance.now() > untilMs) return undefined
    await wait(PAUSE_MS)
  }
}

/** @returns milliseconds until every node was ready; undefined if one was not. */
export async function untilReady({ nodes }: Cluster): Promise<number | undefined> {
  const sinceMs = performance.now()
  for (const node of nodes) {
    const ready = await answered(
      () => timed(() => node.calls.get('/readyz')),
      ({ answer }) => answer?.status === 200,
    )
    if (ready === undefined) return undefined
  }
  return Math.round(performance.now() - sinceMs)
}

type Row = readonly [
  realm: number,
  seq: number,
  at: number,
  kind: number,
  rule: Buffer,
  audit: Buffer | null,
  auditHash: Buffer | null,
  chain: Buffer,
]
type Head = readonly [realm: number, seq: number, chain: Buffer, forked: boolean]

/** Each log is one chain without gaps, up to its head, and every node has folded all of it. */
export async function checkLogs(
  cluster: Cluster,
): Promise<{ readonly rows: number; readonly violations: readonly string[] }> {
  const violations: string[] = []
  const rows = await cluster.rows<Row>(
    'SELECT realm, seq, at, kind, rule, audit, audit_hash, chain FROM rescind.log ORDER BY realm, seq',
  )
  const heads = await cluster.rows<Head>('SELECT realm, seq, chain, forked FROM rescind.head ORDER BY realm')
  for (const [realm, seq, chain, forked] of heads) {
    const end = endOf(
      rows.filter((row) => row[0] === realm),
      violations,
    )
    if (end.seq !== seq || !end.chain.equals(chain))
      violations.push(`realm ${realm}: its head is not the end of its log`)
    if (forked) violations.push(`realm ${realm} is marked as forked`)
  }
  violations.push(...(await comparePositions(cluster, heads)))
  return { rows: rows.length, violations }
}

function endOf(rows: readonly Row[], violations: string[]): { readonly seq: number; readonly chain: Buffer } {
  let end = { seq: 0, chain: CHAIN_START }
  for (const [realm, seq, atMs, kind, rule, audit, auditHash, chain] of rows) {
    const hash = auditHash ?? sha256(audit ?? Buffer.alloc(0))
    const next = chainAfter(end.chain, { seq, atMs, kind, rule, auditHash: hash })
    if (seq !== end.seq + 1) violations.push(`row ${seq} of realm ${realm} follows ${end.seq}`)
    if (!next.equals(chain)) violations.push(`row ${seq} of realm ${realm} breaks the chain`)
    end = { seq, chain: next }
  }
  return end
}

/** The realm that the drill works in. */
const REALM = 1
const VERIFIER = { authorization: 'Bearer orders-api-key-0123456789' }

async function comparePositions(cluster: Cluster, heads: readonly Head[]): Promise<readonly string[]> {
  const head = heads.find(([realm]) => realm === REALM)
  if (head === undefined) return ['the realm has no head']
  const [, seq, chain] = head
  const wanted = `.${seq}.${chain.toString('base64url')}.`
  const violations: string[] = []
  for (const node of cluster.nodes) {
    const position = await answered(
      () => positionOf(node),
      (text) => text?.includes(wanted) === true,
    )
    if (position === undefined) violations.push(`${node.name} does not reach the end of the log, ${wanted}`)
  }
  return violations
}

/** What the node has folded: epoch, sequence and chain. */
async function positionOf({ calls }: DrillNode): Promise<string | undefined> {
  const { answer } = await timed(() => calls.get('/control/v1/feed/config', VERIFIER))
  return answer === undefined ? undefined : String(memberOf(answer, 'position'))
}
