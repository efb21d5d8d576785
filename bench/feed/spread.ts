import type { ChildProcess } from 'node:child_process'
import type { Calls } from '../../test/kit/calls.ts'
import { SVC } from '../../test/kit/seed.ts'
import { percentile } from '../statistics.ts'
import { heard, openStage, type StageSize } from './verifiers.ts'

export type SpreadAsk = StageSize & { readonly revokes: number }
export type SpreadFigures = {
  readonly revokes: number
  readonly instances: number
  readonly p50Ms: number
  readonly p999Ms: number
  readonly maxMs: number
}

type Told = { readonly token?: string; readonly kind?: string; readonly atMs?: number }

/** Measures from before a revocation is sent until the last verifier of the last process refuses the token. */
export async function measureSpread({ revokes, ...size }: SpreadAsk): Promise<SpreadFigures> {
  const { calls, children, close } = await openStage('spread-process.ts', size)
  try {
    await Promise.all(children.map(heard))
    const tokens: string[] = []
    for (let nth = 0; nth < revokes; nth += 1) tokens.push(await calls.oauthToken(SVC))
    const watching = children.map(heard)
    for (const child of children) child.send(tokens)
    await Promise.all(watching)
    const ends = children.map((child) => new Ends(child))
    const samples = new Float64Array(revokes)
    for (const [nth, token] of tokens.entries()) samples[nth] = await spreadOf(calls, ends, token)
    const maxMs = percentile(samples, 1)
    const figures = { p50Ms: percentile(samples, 0.5), p999Ms: percentile(samples, 0.999), maxMs }
    return { revokes, instances: size.processes * size.each, ...figures }
  } finally {
    await close()
  }
}

async function spreadOf(calls: Calls, ends: readonly Ends[], token: string): Promise<number> {
  const told = Promise.all(ends.map((one) => one.of(token)))
  const sentMs = performance.timeOrigin + performance.now()
  const [endedMs] = await Promise.all([told, calls.oauthRevoke(SVC, token)])
  return Math.max(...endedMs) - sentMs
}

/** Reports of one process about ended tokens. Tokens are revoked one at a time, so any other report is a fault. */
class Ends {
  #awaited: { readonly token: string; readonly settle: PromiseWithResolvers<number> } | undefined
  #fault: Error | undefined

  constructor(child: ChildProcess) {
    child.on('message', (told: Told) => this.#hear(told))
    child.once('exit', (code) => this.#fail(new Error(`a process of verifiers ended with ${code}`)))
  }

  of(token: string): Promise<number> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault)
    const settle = Promise.withResolvers<number>()
    this.#awaited = { token, settle }
    return settle.promise
  }

  #hear({ token, kind, atMs }: Told): void {
    const awaited = this.#awaited
    if (awaited !== undefined && awaited.token === token && kind === 'inactive' && atMs !== undefined) {
      this.#awaited = undefined
      awaited.settle.resolve(atMs)
      return
    }
    this.#fail(new Error(`a verifier said ${kind} of a token that was not revoked`))
  }

  #fail(fault: Error): void {
    this.#fault = fault
    this.#awaited?.settle.reject(fault)
  }
}
