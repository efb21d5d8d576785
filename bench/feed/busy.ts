import { Worker } from 'node:worker_threads'
import { SVC } from '../../test/kit/seed.ts'
import { heard, openStage, type StageSize } from './verifiers.ts'

export type BusyAsk = StageSize & {
  readonly seconds: number
  /** Threads that compute all the time beside everything else: one for each core, so that none is idle. */
  readonly others: number
}

/** The counts of one process of verifiers. */
export type BusyTold = {
  readonly checks: number
  /** Answers `unknown` because a verifier had not heard from the server within its bound. */
  readonly stale: number
  readonly answered: number
  /** Questions about tokens that got no answer. */
  readonly unanswered: number
  /** The longest that a verifier was behind, measured between its checks. */
  readonly worstLagMs: number
  /** The longest time that the process blocked its own event loop. */
  readonly blockedMs: number
}
export type BusyFigures = BusyTold & {
  readonly instances: number
  readonly revokes: number
  /** The slowest revocation, which shows that the server answered all the time. */
  readonly slowestMs: number
}

const TOKENS = 200
const REVOKE_MS = 50

/** Runs verifiers with the default bound on a machine whose other work takes all the time that it can get. */
export async function measureBusy({ seconds, others, ...size }: BusyAsk): Promise<BusyFigures> {
  const { calls, children, close } = await openStage('busy-process.ts', size)
  const hogs: Worker[] = []
  try {
    await Promise.all(children.map(heard))
    const tokens: string[] = []
    for (let nth = 0; nth < TOKENS; nth += 1) tokens.push(await calls.oauthToken(SVC))
    const accepted = children.map(heard)
    for (const child of children) child.send({ tokens: tokens.slice(0, 20) })
    await Promise.all(accepted)
    for (let nth = 0; nth < others; nth += 1) hogs.push(new Worker('for (;;);', { eval: true }))
    const endMs = performance.now() + seconds * 1_000
    let [revokes, slowestMs] = [0, 0]
    while (performance.now() < endMs) {
      const sentMs = performance.now()
      const token = tokens[20 + (revokes % (TOKENS - 20))] ?? ''
      await calls.oauthRevoke(SVC, token)
      revokes += 1
      slowestMs = Math.max(slowestMs, performance.now() - sentMs)
      await new Promise((resolve) => setTimeout(resolve, REVOKE_MS))
    }
    const told = children.map(heard)
    for (const child of children) child.send({ end: true })
    const all = (await Promise.all(told)) as readonly BusyTold[]
    const sum = (of: keyof BusyTold): number => all.reduce((total, one) => total + one[of], 0)
    const most = (of: keyof BusyTold): number => Math.max(...all.map((one) => one[of]))
    return {
      instances: size.processes * size.each,
      revokes,
      slowestMs,
      checks: sum('checks'),
      stale: sum('stale'),
      answered: sum('answered'),
      unanswered: sum('unanswered'),
      worstLagMs: most('worstLagMs'),
      blockedMs: most('blockedMs'),
    }
  } finally {
    await Promise.all(hogs.map((hog) => hog.terminate()))
    await close()
  }
}
