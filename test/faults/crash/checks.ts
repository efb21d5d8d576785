import { type Calls, isActive } from '../kit/calls.ts'
import type { Dice } from '../kit/dice.ts'
import { inParallel } from '../kit/in-parallel.ts'
import type { Acks, Tracked } from './acks.ts'

const OLD_REVOKED_SAMPLE = 15
const LIVE_SAMPLE = 12
/** Checks of tokens that run in parallel. */
const WORKERS = 8

export type Look = { readonly calls: Calls; readonly caller: string }
export type Checked = { readonly reads: number; readonly violations: readonly string[] }

/**
 * Checks after a restart: revoked tokens are refused everywhere, live ones are live, and doubtful ones become either.
 */
export async function checkAll(acks: Acks, look: Look, dice: Dice): Promise<Checked> {
  const violations: string[] = []
  let reads = 0
  const judge = async (token: Tracked, expected: boolean | undefined): Promise<void> => {
    const seen = await readAll(look, token)
    reads += seen.length
    const isLive = seen.some(({ live }) => live)
    if (seen.some(({ live }) => live !== seen[0]?.live))
      violations.push(`${nameOf(token)}: its read paths disagree: ${describe(seen)}`)
    else if (expected !== undefined && isLive !== expected)
      violations.push(`${nameOf(token)}: was told ${token.state}, reads ${describe(seen)}`)
    if (expected === undefined) token.state = isLive ? 'live' : 'revoked'
  }
  const recent = new Set(acks.recent('revoked'))
  const old = acks.of('revoked').filter((token) => !recent.has(token))
  await inParallel([...recent, ...dice.sample(old, OLD_REVOKED_SAMPLE)], WORKERS, (token) =>
    judge(token, false),
  )
  await inParallel(dice.sample(acks.of('live'), LIVE_SAMPLE), WORKERS, (token) => judge(token, true))
  await inParallel(acks.of('asked'), WORKERS, (token) => judge(token, undefined))
  return { reads, violations }
}

type Seen = { readonly path: string; readonly live: boolean }

/** Every read path of the token's own dialect, and introspection by the client that may ask about all tokens. */
async function readAll(look: Look, token: Tracked): Promise<readonly Seen[]> {
  const any = {
    path: 'introspection by any',
    live: isActive(await look.calls.introspectAsGateway(token.text)),
  }
  const own = await ownReads(look, token)
  // Other clients learn nothing about a refresh token: live or not, it must be refused there.
  if (token.kind === 'refresh') return any.live ? [any, { path: 'its own client', live: false }] : own
  return [any, ...own]
}

async function ownReads({ calls, caller }: Look, { dialect, text }: Tracked): Promise<readonly Seen[]> {
  switch (dialect) {
    case 'oauth':
      return [{ path: 'introspection', live: isActive(await calls.introspect(text)) }]
    case 'identity': {
      const get = await calls.identityValidate(caller, text, 'GET')
      const head = await calls.identityValidate(caller, text, 'HEAD')
      return [
        { path: 'GET', live: isGood(get.status, 404) },
        { path: 'HEAD', live: isGood(head.status, 404) },
      ]
    }
    case 'chat':
      return [{ path: '/me', live: isGood((await calls.chatMe(text)).status, 401) }]
  }
}

/** @throws for a status that is neither of the two valid answers. */
function isGood(status: number, refused: number): boolean {
  if (status !== 200 && status !== refused) throw new Error(`a read path answered ${status}`)
  return status === 200
}

function nameOf({ dialect, kind, cycle }: Tracked): string {
  return `a ${dialect} ${kind} token of cycle ${cycle}`
}

function describe(seen: readonly Seen[]): string {
  return seen.map(({ path, live }) => `${path}: ${live ? 'live' : 'refused'}`).join(', ')
}
