import { accessTokenIn, refreshTokenIn } from '../kit/calls.ts'
import { isDoubtful, type Token } from './history.ts'
import { type Load, ownScope } from './load.ts'
import { timed, Unexpected } from './looks.ts'
import type { Grant } from './principals.ts'

const ATTEMPTS = 3

/** What a refresh token got. */
type Pair = { readonly access: string; readonly refresh: string }

function free(load: Load): Grant | undefined {
  const grant = load.one(load.grants.slice(-40))
  return grant === undefined || grant.isRefreshing ? undefined : grant
}

/** Sends a refresh token once. Checks that nothing is minted by what is over, and that it was over if it is refused. */
async function send(load: Load, token: Token): Promise<Pair | 'refused' | 'unknown'> {
  const node = load.node()
  const doubted = (atMs: number): boolean => isDoubtful(token, atMs)
  const wasDoubtful = doubted(performance.now())
  ownScope(token).asked(performance.now())
  const { sentMs, answeredMs, answer } = await timed(() => node.calls.oauthRefresh(token.text))
  const status = answer?.status ?? 'unknown'
  load.history.count(`refresh ${status}`)
  token.told.push({
    atMs: answeredMs,
    text: `refresh at ${node.name}: ${status}, asked at ${Math.round(sentMs)}`,
  })
  if (answer === undefined) return 'unknown'
  if (answer.status === 200) {
    if (token.scopes.some((scope) => scope.mustRefuse(sentMs, answeredMs)))
      load.history.violation('minted by what was over', token, node.name)
    return { access: accessTokenIn(answer), refresh: refreshTokenIn(answer) }
  }
  if (answer.status !== 400) throw new Unexpected(`a refresh was answered ${answer.status} ${answer.text}`)
  if (!wasDoubtful && !token.scopes.slice(1).some((scope) => scope.mayBeOver(answeredMs)))
    load.history.violation('refused, though nobody asked for it', token, node.name)
  return 'refused'
}

/** What was minted belongs to the grant, also if that has ended meanwhile. */
function keep(load: Load, grant: Grant, used: Token, { access, refresh }: Pair): void {
  const atMs = performance.now()
  ownScope(used).acknowledged(atMs)
  const scopes = used.scopes.slice(1)
  const of = { dialect: 'oauth', holder: '', scopes } as const
  load.issued({ ...of, kind: 'access', text: access }, atMs)
  grant.used.push(used)
  grant.next = load.issued({ ...of, kind: 'refresh', text: refresh }, atMs)
}

async function whileRefreshing(grant: Grant, act: (token: Token) => Promise<void>): Promise<void> {
  const { next } = grant
  if (next === undefined) return
  grant.isRefreshing = true
  // It is used up, and so is what nobody knows the outcome of.
  grant.next = undefined
  try {
    await act(next)
  } finally {
    grant.isRefreshing = false
  }
}

/** An answer that was lost is asked for again, as clients do. */
export async function refresh(load: Load): Promise<void> {
  const grant = free(load)
  if (grant === undefined) return
  await whileRefreshing(grant, async (token) => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const got = await send(load, token)
      if (got === 'unknown') continue
      if (got !== 'refused') keep(load, grant, token, got)
      return
    }
  })
}

/** Two requests at once mint once. */
export async function refreshTwice(load: Load): Promise<void> {
  const grant = free(load)
  if (grant === undefined) return
  await whileRefreshing(grant, async (token) => {
    const got = await Promise.all([send(load, token), send(load, token)])
    const pairs = got.filter((one) => typeof one === 'object')
    const [first] = pairs
    if (first === undefined) return
    if (pairs.some(({ access, refresh }) => access !== first.access || refresh !== first.refresh))
      load.history.violation('minted twice', token, 'at once')
    keep(load, grant, token, first)
  })
}

/** A token whose successor was used already: that ends the grant, and mints nothing. */
export async function reuse(load: Load): Promise<void> {
  const grant = load.one(load.grants.slice(-40).filter(({ used }) => used.length > 1))
  const [token] = grant?.used ?? []
  if (grant === undefined || token === undefined) return
  grant.scope.asked(performance.now())
  grant.scope.tell(performance.now(), 'a used refresh token is sent')
  if ((await send(load, token)) === 'refused') grant.scope.isOverAtLast = true
}
