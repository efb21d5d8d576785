import { accessTokenIn, type Calls, chatTokenIn, identityTokenIn, refreshTokenIn } from '../kit/calls.ts'
import type { Dice } from '../kit/dice.ts'
import { ConnectionBroken, type HttpAnswer } from '../kit/plain-http.ts'
import type { Acks, Tracked } from './acks.ts'

export type Load = {
  readonly calls: Calls
  readonly acks: Acks
  readonly dice: Dice
  /** Unique over all workers and cycles. */
  readonly name: string
  /** An Identity token of the user who owns the tokens. */
  readonly caller: string
  /** Called for each whole answer. */
  readonly onAnswer: () => void
}

/** An answer that no request of the load may get, with or without a crash. */
export class Unexpected extends Error {}

type Step = (load: Load, mine: Tracked[]) => Promise<void>

const STEPS: Readonly<Record<Tracked['dialect'], readonly Step[]>> = {
  oauth: [issueAccess, issueGrant, revokeOauth, revokeOauth, rotate],
  identity: [logIn, revokeIdentity],
  chat: [issueChat, issueChat, revokeChat, revokeAllChat],
}

/** Issues and revokes in one dialect, one request at a time, until the server is gone. @throws Unexpected */
export async function work(dialect: Tracked['dialect'], load: Load): Promise<void> {
  const mine: Tracked[] = []
  const steps = STEPS[dialect]
  try {
    for (;;) await steps[load.dice.below(steps.length)]?.(load, mine)
  } catch (error) {
    if (!(error instanceof ConnectionBroken)) throw error
    load.acks.cutOff += 1
  }
}

async function expect(load: Load, asked: Promise<HttpAnswer>, status: number): Promise<HttpAnswer> {
  const answer = await asked
  load.onAnswer()
  if (answer.status === status) return answer
  throw new Unexpected(`${load.name}: ${answer.status} instead of ${status}: ${answer.text}`)
}

/** From before the request until its answer, the client cannot know whether these tokens are live. */
async function end(
  load: Load,
  tokens: readonly Tracked[],
  ask: () => [asked: Promise<HttpAnswer>, status: number],
): Promise<void> {
  for (const token of tokens) token.state = 'asked'
  await expect(load, ...ask())
  load.acks.revoked(tokens)
}

async function issueAccess(load: Load, mine: Tracked[]): Promise<void> {
  const answer = await expect(load, load.calls.oauthIssue(), 200)
  const token = { dialect: 'oauth', kind: 'access', text: accessTokenIn(answer), holder: '' } as const
  mine.push(load.acks.issued(token))
}

async function issueGrant(load: Load, mine: Tracked[]): Promise<void> {
  const holder = `${load.name}-${load.acks.issues}`
  keepPair(load, mine, { answer: await expect(load, load.calls.oauthGrant(holder), 201), holder })
}

type Pair = { readonly answer: HttpAnswer; readonly holder: string }

function keepPair({ acks }: Load, mine: Tracked[], { answer, holder }: Pair): void {
  const pair = { dialect: 'oauth', holder } as const
  mine.push(acks.issued({ ...pair, kind: 'access', text: accessTokenIn(answer) }))
  mine.push(acks.issued({ ...pair, kind: 'refresh', text: refreshTokenIn(answer) }))
}

/** Revokes a refresh token with its whole grant, or an access token by itself. */
async function revokeOauth(load: Load, mine: Tracked[]): Promise<void> {
  const token = load.dice.take(mine)
  if (token === undefined) return issueAccess(load, mine)
  const family = token.kind === 'refresh' ? takeAll(mine, ({ holder }) => holder === token.holder) : []
  await end(load, [token, ...family], () => [load.calls.oauthRevoke(token.text), 200])
}

/** Uses a refresh token up: it ends like a revoked one, and its successors live. */
async function rotate(load: Load, mine: Tracked[]): Promise<void> {
  const old = mine.find(({ kind }) => kind === 'refresh')
  if (old === undefined) return issueGrant(load, mine)
  mine.splice(mine.indexOf(old), 1)
  old.state = 'asked'
  const answer = await expect(load, load.calls.oauthRefresh(old.text), 200)
  load.acks.rotated(old)
  keepPair(load, mine, { answer, holder: old.holder })
}

async function logIn(load: Load, mine: Tracked[]): Promise<void> {
  const text = identityTokenIn(await expect(load, load.calls.identityLogin(), 200))
  mine.push(load.acks.issued({ dialect: 'identity', kind: 'access', text, holder: '' }))
}

async function revokeIdentity(load: Load, mine: Tracked[]): Promise<void> {
  const token = load.dice.take(mine)
  if (token === undefined) return logIn(load, mine)
  await end(load, [token], () => [load.calls.identityRevoke(load.caller, token.text), 204])
}

async function issueChat(load: Load, mine: Tracked[]): Promise<void> {
  const text = chatTokenIn(await expect(load, load.calls.chatIssue(load.name), 200))
  mine.push(load.acks.issued({ dialect: 'chat', kind: 'access', text, holder: load.name }))
}

async function revokeChat(load: Load, mine: Tracked[]): Promise<void> {
  const token = load.dice.take(mine)
  if (token === undefined) return issueChat(load, mine)
  await end(load, [token], () => [load.calls.chatRevoke(token.holder, token.text), 200])
}

async function revokeAllChat(load: Load, mine: Tracked[]): Promise<void> {
  if (mine.length === 0) return issueChat(load, mine)
  await end(load, mine.splice(0), () => [load.calls.chatRevokeAll(load.name), 200])
}

function takeAll(from: Tracked[], isTaken: (token: Tracked) => boolean): Tracked[] {
  const taken = from.filter(isTaken)
  const left = from.filter((token) => !isTaken(token))
  from.splice(0, from.length, ...left)
  return taken
}
