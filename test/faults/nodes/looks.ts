import { setTimeout as wait } from 'node:timers/promises'
import type { Calls } from '../kit/calls.ts'
import { ConnectionBroken, type HttpAnswer } from '../kit/plain-http.ts'
import type { DrillNode } from './cluster.ts'
import type { Look, Token } from './history.ts'

const BROKEN_PAUSE_MS = 25
/** No fault lasts as long as this: a request without an answer by then never gets one. */
const ANSWERED_WITHIN_MS = 60_000
const VERIFIER_KEY = 'orders-api-key-0123456789'

/** An answer that no request of the drill may get, with or without faults. */
export class Unexpected extends Error {}

export type Timed = {
  readonly sentMs: number
  readonly answeredMs: number
  readonly answer: HttpAnswer | undefined
}

/** `answer` undefined: the connection broke, or it is 503. Nobody knows then what became of the request. */
export async function timed(ask: () => Promise<HttpAnswer>): Promise<Timed> {
  const sentMs = performance.now()
  try {
    const answer = await inTime(ask())
    return { sentMs, answeredMs: performance.now(), answer: answer.status === 503 ? undefined : answer }
  } catch (error) {
    if (!(error instanceof ConnectionBroken)) throw error
    // A node that is down says so at once, and clients of it would keep the machine busy.
    const answeredMs = performance.now()
    await wait(BROKEN_PAUSE_MS)
    return { sentMs, answeredMs, answer: undefined }
  }
}

async function inTime(asked: Promise<HttpAnswer>): Promise<HttpAnswer> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Unexpected('a request got no answer')), ANSWERED_WITHIN_MS)
  try {
    return await Promise.race([asked, promise])
  } finally {
    clearTimeout(timer)
  }
}

type Path = {
  readonly name: string
  readonly ask: (calls: Calls, token: Token, admin: string) => Promise<HttpAnswer>
  /** @throws Unexpected */
  readonly says: (answer: HttpAnswer) => Look['said']
}

const introspection: Path = {
  name: 'introspect',
  ask: (calls, { text }) => calls.introspect(text),
  says: (answer) => (memberOf(answer, 'active') === true ? 'live' : 'over'),
}

const PATHS: Readonly<Record<Token['dialect'], readonly Path[]>> = {
  oauth: [
    introspection,
    {
      ...introspection,
      name: 'introspect by any',
      ask: (calls, { text }) => calls.introspectAsGateway(text),
    },
    {
      name: '/check',
      ask: (calls, { text }) => calls.get('/check', { authorization: `Bearer ${text}` }),
      says: (answer) => statusSays(answer, 401),
    },
    {
      name: 'verify',
      ask: (calls, { text }) =>
        calls.json({
          method: 'POST',
          path: '/control/v1/verify',
          headers: { authorization: `Bearer ${VERIFIER_KEY}` },
          value: { token: text },
        }),
      says: verdictSays,
    },
  ],
  identity: [
    {
      name: 'GET token',
      ask: (calls, { text }, admin) => calls.identityValidate(admin, text, 'GET'),
      says: (answer) => statusSays(answer, 404),
    },
    {
      name: 'HEAD token',
      ask: (calls, { text }, admin) => calls.identityValidate(admin, text, 'HEAD'),
      says: (answer) => statusSays(answer, 404),
    },
  ],
  chat: [
    { name: '/me', ask: (calls, { text }) => calls.chatMe(text), says: (answer) => statusSays(answer, 401) },
  ],
}

/** A refresh token is shown to its own client only, and accepted nowhere. */
export function pathsOf({ dialect, kind }: Token): readonly Path[] {
  return kind === 'refresh' ? [introspection] : PATHS[dialect]
}

export type LookParts = { readonly node: DrillNode; readonly path: Path; readonly admin: string }

/** @throws Unexpected */
export async function look(token: Token, { node, path, admin }: LookParts): Promise<Look> {
  const { sentMs, answeredMs, answer } = await timed(() => path.ask(node.calls, token, admin))
  const said = answer === undefined ? 'nothing' : path.says(answer)
  return { where: `${path.name} at ${node.name}`, sentMs, answeredMs, said }
}

function statusSays({ status, text }: HttpAnswer, refused: number): Look['said'] {
  if (status === 200) return 'live'
  if (status === refused) return 'over'
  throw new Unexpected(`a look was answered ${status} ${text}`)
}

function verdictSays(answer: HttpAnswer): Look['said'] {
  const verdict = memberOf(answer, 'verdict')
  if (typeof verdict === 'object' && verdict !== null && 'kind' in verdict) {
    if (verdict.kind === 'active') return 'live'
    if (verdict.kind === 'inactive') return 'over'
    if (verdict.kind === 'unknown') return 'nothing'
  }
  throw new Unexpected(`verify: ${answer.text}`)
}

export function memberOf({ status, text }: HttpAnswer, name: string): unknown {
  if (status !== 200 && status !== 201) throw new Unexpected(`${status} ${text}`)
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null) throw new Unexpected(text)
  return new Map<string, unknown>(Object.entries(value)).get(name)
}
