import { randomBytes } from 'node:crypto'
import { type Credential, KEEP_FOREVER_MS, mintHandle, position, type TokenFacts } from '@rescind/core'
import { defined, type Json } from '@rescind/core/bytes'
import type { Rule } from '@rescind/core/log'
import { confirmationOf, factsJson, RawToken } from '@rescind/core/tokens'
import { Engine } from '../engine.ts'
import type { OnStale } from '../results.ts'
import { TIMERS } from '../source/timers.ts'
import { Verifier } from '../verifier.ts'
import { MemorySource } from './memory-source.ts'

export type TestToken = {
  readonly source?: string
  readonly subject?: string
  readonly client?: string
  readonly tenant?: string
  readonly scopes?: readonly string[]
  readonly audience?: readonly string[]
  /** Default: `access`. Use `refresh`, for example, to test that your service refuses it. */
  readonly kind?: string
  readonly cnf?: Readonly<Record<string, unknown>>
  readonly expiresInSeconds?: number
}

export type TestVerifierOptions = { readonly maxStalenessMs?: number; readonly onStale?: OnStale }

/** A verifier without a server, for tests of your own service: you define the tokens, and end them. */
export type TestVerifier = {
  readonly verifier: Verifier
  /** Makes this text a valid token from now on. */
  readonly accept: (token: string, about?: TestToken) => void
  /** Ends one token; `check` reports it once this returns. */
  readonly revoke: (token: string) => void
  /** Ends every token of a subject that was accepted so far. */
  readonly revokeSubject: (subject: string, source?: string) => void
  /** Acts as if the server had not been heard from for longer than the bound. */
  readonly goStale: () => void
  /** Makes the server reachable again. */
  readonly recover: () => Promise<void>
}

const BOUND_MS = 5_000
const RANDOM = { bytes: (count: number): Buffer => randomBytes(count) }

/** Resolves when the verifier is ready. Close `verifier` at the end of the test. */
export async function createTestVerifier(options: TestVerifierOptions = {}): Promise<TestVerifier> {
  const { maxStalenessMs: boundMs = BOUND_MS, onStale = 'refuse' } = options
  let aheadMs = 0
  const clock = { wallMs: () => Date.now() + aheadMs, monotonicMs: () => performance.now() + aheadMs }
  const source = new MemorySource(clock.wallMs)
  const engine = new Engine({ transport: source, clock, timers: TIMERS, chance: () => 0, boundMs, label: '' })
  const verifier = new Verifier({ engine, timers: TIMERS, onStale, onState: undefined, stateFile: undefined })
  verifier.start()
  await verifier.ready()
  return {
    verifier,
    accept: (token, about = {}) =>
      source.tokens.set(token, answerOf(source, token, { about, nowMs: clock.wallMs() })),
    revoke: (token) => source.append(tokenRule(source, token)),
    revokeSubject: (subject, of = 'oauth') =>
      source.append({
        kind: 'revoke',
        keepUntilMs: KEEP_FOREVER_MS,
        target: { kind: 'cut', shape: 'subject', principals: { source: of, subject } },
      }),
    goStale: () => {
      source.mode = 'down'
      source.breakOff()
      aheadMs += boundMs + 1
    },
    recover: async () => {
      source.mode = 'up'
      await verifier.ready()
    },
  }
}

type About = { readonly about: TestToken; readonly nowMs: number }

/** The server's answer about a token (docs/feed.md). */
function answerOf(
  source: MemorySource,
  token: string,
  { about, nowMs }: About,
): ReturnType<MemorySource['tokens']['get']> & object {
  const { scopes = [], kind = 'access', expiresInSeconds = 3_600, source: of = 'oauth' } = about
  const { subject, client, tenant, audience, cnf } = about
  const facts: TokenFacts = {
    source: of,
    ...defined({ subject, client, tenant }),
    digest: digestOf(source, token),
    handle: mintHandle(RANDOM),
    ancestors: [],
    position: position(1, source.rows.length),
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + expiresInSeconds * 1_000,
  }
  // The type allows more, but a test gives JSON.
  const binding = confirmationOf(cnf as Json | undefined)
  const credential: Credential = { kind, source: of, scopes, ...defined({ audience, cnf: binding }) }
  return { verdict: { kind: 'active' }, facts: factsJson(facts, credential) }
}

function tokenRule(source: MemorySource, token: string): Rule {
  const digest = digestOf(source, token)
  const handle = mintHandle(RANDOM)
  return {
    kind: 'revoke',
    keepUntilMs: KEEP_FOREVER_MS,
    target: { kind: 'token', source: 'oauth', digest, handle },
  }
}

function digestOf(source: MemorySource, token: string): ReturnType<RawToken['digest']> {
  const raw = RawToken.parse(token)
  if (raw === undefined) throw new TypeError('this text cannot be a token')
  return raw.knownBy(source.digestKey)
}
