import type { Rule } from '@rescind/core/log'
import { RawToken } from '@rescind/core/tokens'
import type { CheckResult, OnStale } from '@rescind/verifier'
import { Engine } from '../../verifier/engine.ts'
import { MemorySource } from '../../verifier/testing/memory-source.ts'
import { Verifier } from '../../verifier/verifier.ts'
import { HandTime } from './hand-timers.ts'
import { digestAt, handleAt } from './samples.ts'

export const BOUND_MS = 5_000

export type VerifierWorld = {
  readonly time: HandTime
  readonly source: MemorySource
  readonly engine: Engine
  readonly verifier: Verifier
  readonly states: string[]
}

export type WorldOptions = {
  readonly onStale?: OnStale
  readonly source?: MemorySource
  readonly time?: HandTime
  readonly stateFile?: string
  /** The engine of another verifier in the same process. */
  readonly engine?: Engine
}

/** A verifier of a server in memory, with clocks and timers that a test controls. */
export function openVerifierWorld(options: WorldOptions = {}): VerifierWorld {
  const time = options.time ?? new HandTime()
  const source = options.source ?? new MemorySource(() => time.wallMs())
  const states: string[] = []
  const engine =
    options.engine ??
    new Engine({
      transport: source,
      clock: time,
      timers: time,
      chance: () => 0.5,
      boundMs: BOUND_MS,
      label: 'a test',
    })
  const verifier = new Verifier({
    engine,
    timers: time,
    onStale: options.onStale ?? 'refuse',
    onState: (state) => states.push(state),
    stateFile: options.stateFile === undefined ? undefined : engine.stateFileAt(options.stateFile),
  })
  verifier.start()
  return { time, source, engine, verifier, states }
}

/** A token of the memory source that the server considers live. */
export function mint(
  source: MemorySource,
  nth: number,
  over: Readonly<Record<string, unknown>> = {},
): string {
  const token = `token ${nth}`
  const facts = {
    digest: RawToken.parse(token)?.digest(source.digestKey),
    handle: handleAt(nth),
    kind: 'access',
    source: 'oauth',
    client: `c${nth % 3}`,
    subject: `s${nth % 5}`,
    scopes: [],
    ancestors: [],
    position: [1, source.rows.length],
    issuedAt: '2026-03-01T12:00:00.000Z',
    expiresAt: '2027-03-01T12:00:00.000Z',
    ...over,
  }
  source.tokens.set(token, { verdict: { kind: 'active' }, facts })
  return token
}

/** The rule that ends such a token. */
export function ending(source: MemorySource, nth: number): Rule {
  const digest = RawToken.parse(`token ${nth}`)?.digest(source.digestKey) ?? digestAt(nth)
  return {
    kind: 'revoke',
    keepUntilMs: 9e15,
    target: { kind: 'token', source: 'oauth', digest, handle: handleAt(nth) },
  }
}

export function say(result: CheckResult): string {
  if (result.kind === 'active') return result.stale === true ? 'active, stale' : 'active'
  return `${result.kind}: ${result.why}`
}
