import { accessTokenIn, chatTokenIn, identityTokenIn, refreshTokenIn } from '../kit/calls.ts'
import { byPrincipal, byToken, control, scopeEndedBy } from './endings.ts'
import { Scope, type Token } from './history.ts'
import { holdPrincipal, holdToken } from './holds.ts'
import { type Load, login, ownScope } from './load.ts'
import { timed, Unexpected } from './looks.ts'
import { Principal } from './principals.ts'
import { refresh, refreshTwice, reuse } from './refreshing.ts'
import { disableUser } from './users.ts'

type Act = (load: Load) => Promise<void>

/** What clients do, with the weight of each. */
const ACTS: readonly (readonly [weight: number, act: Act])[] = [
  [6, issueAccess],
  [6, issueGrant],
  [5, logIn],
  [5, issueChat],
  [3, bindChat],
  [14, revokeToken],
  [4, revokeByAll],
  [5, revokePrincipal],
  [4, revokeAgain],
  [1, revokeUnknown],
  [6, refresh],
  [3, refreshTwice],
  [2, reuse],
  [3, holdToken],
  [2, holdPrincipal],
  [2, disableUser],
  [14, lookAtAny],
]
const WEIGHTS = ACTS.reduce((sum, [weight]) => sum + weight, 0)
/** The youngest tokens are used most. */
const YOUNG = 60

export async function actOnce(load: Load): Promise<void> {
  let left = load.dice.below(WEIGHTS)
  for (const [weight, act] of ACTS) {
    left -= weight
    if (left < 0) return act(load)
  }
}

const NOBODY = new Principal('no subject')

function issueAccess(load: Load): Promise<void> {
  return load.mint(
    NOBODY,
    (calls) => calls.oauthIssue(),
    (answer, atMs) => {
      load.issued({ ...OAUTH, kind: 'access', text: accessTokenIn(answer), scopes: [] }, atMs)
    },
  )
}

const OAUTH = { dialect: 'oauth', holder: '' } as const

async function issueGrant(load: Load): Promise<void> {
  const subject = load.clear(load.subjects)
  if (subject === undefined) return
  await load.mint(
    subject,
    (calls) => control(calls, '/grants', { clientId: 'svc', subject: subject.id }),
    (answer, atMs) => {
      const scope = new Scope(load.name('grant'))
      const scopes = [scope, subject.scope]
      load.issued({ ...OAUTH, kind: 'access', text: accessTokenIn(answer), scopes }, atMs)
      const next = load.issued({ ...OAUTH, kind: 'refresh', text: refreshTokenIn(answer), scopes }, atMs)
      load.grants.push({ scope, subject, next, used: [], isRefreshing: false })
    },
  )
}

async function logIn(load: Load): Promise<void> {
  const principal = load.clear(load.users)
  const user = principal?.user
  if (principal === undefined || user === undefined) return
  await load.mint(
    principal,
    (calls) => login(calls, user),
    (answer, atMs) => {
      const of = { dialect: 'identity', kind: 'access', holder: user.id } as const
      load.issued({ ...of, text: identityTokenIn(answer), scopes: [principal.scope] }, atMs)
    },
  )
}

async function issueChat(load: Load): Promise<void> {
  const client = load.clear(load.chatClients)
  if (client === undefined) return
  await load.mint(
    client,
    (calls) => calls.chatIssue(client.id),
    (answer, atMs) => {
      const of = { dialect: 'chat', kind: 'access', holder: client.id } as const
      load.issued({ ...of, text: chatTokenIn(answer), scopes: [client.scope] }, atMs)
    },
  )
}

/** Text that the app chose itself, which nodes never cache. */
async function bindChat(load: Load): Promise<void> {
  const client = load.clear(load.chatClients)
  // A client begins with its first issue.
  if (client === undefined || !load.history.tokens.some(({ holder }) => holder === client.id)) return
  const text = load.name('a-text-that-the-app-has-chosen')
  await load.mint(
    client,
    (calls) => calls.chatBind(client.id, text),
    (_, atMs) => {
      const of = { dialect: 'chat', kind: 'access', holder: client.id } as const
      load.issued({ ...of, text, scopes: [client.scope] }, atMs)
    },
  )
}

/** A young token that nobody has asked to end. */
function someLive(load: Load): Token | undefined {
  const found = load.one(load.history.tokens.slice(-YOUNG))
  return found?.scopes.every(({ askedMs }) => askedMs === undefined) === true ? found : undefined
}

async function revokeToken(load: Load): Promise<void> {
  const token = someLive(load)
  if (token !== undefined) await load.end(scopeEndedBy(token), byToken(load, token))
}

/** The same at all nodes at once: whichever finds it revoked already answers no earlier than it may. */
async function revokeByAll(load: Load): Promise<void> {
  const token = someLive(load)
  if (token === undefined) return
  await Promise.all(
    load.nodes.map((node) => load.end(scopeEndedBy(token), { ...byToken(load, token), node })),
  )
}

async function revokePrincipal(load: Load): Promise<void> {
  const all = load.one([load.subjects, load.chatClients, load.users])
  const principal = all === undefined ? undefined : load.clear(all)
  if (principal === undefined) return
  const ended = await load.end(principal.begin(), byPrincipal(load, principal))
  if (ended === 'at once') principal.done()
  else principal.lose()
}

async function revokeAgain(load: Load): Promise<void> {
  const token = load.one(load.history.tokens)
  if (token !== undefined && ownScope(token).askedMs !== undefined)
    await load.end(scopeEndedBy(token), byToken(load, token))
}

async function revokeUnknown(load: Load): Promise<void> {
  const { answer } = await timed(() => load.node().calls.oauthRevoke(load.name('rsa_unknown')))
  load.history.count(`revoke unknown ${answer?.status ?? 'unknown'}`)
  if (answer !== undefined && answer.status !== 200)
    throw new Unexpected(`an unknown token: ${answer.status} ${answer.text}`)
}

async function lookAtAny(load: Load): Promise<void> {
  const { tokens } = load.history
  const token = load.one(load.dice.below(3) === 0 ? tokens : tokens.slice(-YOUNG))
  if (token !== undefined) await load.look(token, load.node())
}
