import { join } from 'node:path'
import { type Home, type ServerProcess, startProcess } from '../../kit/server.ts'
import { Calls, identityTokenIn } from '../kit/calls.ts'
import { Dice } from '../kit/dice.ts'
import { Acks } from './acks.ts'
import { checkLog } from './check-log.ts'
import { checkAll, type Look } from './checks.ts'
import { Unexpected, work } from './workers.ts'

/** Workers of each dialect, each of which has one request in flight when the server dies. */
const WORKERS_EACH = 5
/** The most whole answers before the server is killed, and milliseconds added to them, to hit any moment. */
const ANSWERS_MAX = 120
const EXTRA_MS_MAX = 4
/** A load that has not got its answers by then is stuck. */
const LOAD_TIMEOUT_MS = 60_000

export type CrashLoop = {
  readonly home: Home
  readonly cycles: number
  readonly seed: number
  /** Called after each cycle, for example to print progress. */
  readonly onCycle?: (report: CrashReport) => void
  /** Changes the store between a crash and the next start; tests of the checker itself use it. */
  readonly betweenRuns?: (storePath: string) => void
}

export type CrashReport = {
  readonly cycles: number
  readonly issues: number
  readonly revokes: number
  readonly cutOff: number
  readonly reads: number
  readonly slowestStartMs: number
  readonly violations: readonly string[]
}

/** Starts, loads, kills and restarts one store, and checks everything that the server has acknowledged. */
export async function crashLoop(loop: CrashLoop): Promise<CrashReport> {
  const acks = new Acks()
  const dice = new Dice(loop.seed)
  const storePath = join(loop.home.folder, 'data', 'rescind.db')
  const violations: string[] = []
  let [reads, slowestStartMs] = [0, 0]
  const report = (): CrashReport => {
    const { issues, revokes, cutOff, cycle } = acks
    return { cycles: cycle, issues, revokes, cutOff, reads, slowestStartMs, violations }
  }
  const startAndCheck = async (): Promise<ServerProcess> => {
    const startedMs = performance.now()
    const server = await startProcess({ home: loop.home, flags: ['--identity-rate', '0'] })
    slowestStartMs = Math.max(slowestStartMs, Math.round(performance.now() - startedMs))
    const look = await lookAt(server)
    const checked = await checkAll(acks, look, dice)
    look.calls.close()
    reads += checked.reads
    violations.push(...checked.violations)
    return server
  }
  let server: ServerProcess | undefined
  try {
    while (acks.cycle < loop.cycles) {
      server = await startAndCheck()
      acks.cycle += 1
      violations.push(...(await loadAndKill(server, acks, dice)))
      loop.betweenRuns?.(storePath)
      loop.onCycle?.(report())
    }
    server = await startAndCheck()
    if ((await server.stop()) !== 0) violations.push(`the last stop failed: ${server.output()}`)
    violations.push(...compareLog(acks, storePath))
  } catch (error) {
    violations.push(`cycle ${acks.cycle}: ${error instanceof Error ? error.stack : String(error)}`)
  } finally {
    await server?.kill()
  }
  return report()
}

/** Each acknowledged revocation is one row. Revocations whose answers were cut off may have a row, too. */
function compareLog({ revokes, cutOff }: Acks, storePath: string): readonly string[] {
  const { revokeRows, violations } = checkLog(storePath)
  if (revokeRows >= revokes && revokeRows <= revokes + cutOff) return violations
  return [...violations, `${revokeRows} revocations in the log for ${revokes} acknowledged ones`]
}

/** Logs in anew each time, because signing in after a crash is part of the check. */
async function lookAt({ url }: ServerProcess): Promise<Look> {
  const calls = new Calls(url)
  const login = await calls.identityLogin()
  if (login.status !== 200) throw new Error(`no login after a restart: ${login.status} ${login.text}`)
  return { calls, caller: identityTokenIn(login) }
}

/** @returns failures before the server was killed. */
async function loadAndKill(server: ServerProcess, acks: Acks, dice: Dice): Promise<readonly string[]> {
  const { calls, caller } = await lookAt(server)
  const wrong: string[] = []
  const killed = Promise.withResolvers<void>()
  let answersLeft = dice.below(ANSWERS_MAX)
  const onAnswer = (): void => {
    if (answersLeft-- === 0) setTimeout(() => killed.resolve(), dice.below(EXTRA_MS_MAX * 2) / 2)
  }
  const timeout = setTimeout(() => {
    wrong.push('the load is stuck')
    killed.resolve()
  }, LOAD_TIMEOUT_MS)
  const workers = (['oauth', 'identity', 'chat'] as const).flatMap((dialect) =>
    Array.from({ length: WORKERS_EACH }, async (_, at) => {
      const name = `${dialect}-${acks.cycle}-${at}`
      const load = { calls, acks, caller, name, onAnswer, dice: new Dice(dice.below(2 ** 32)) }
      try {
        await work(dialect, load)
      } catch (error) {
        if (!(error instanceof Unexpected)) throw error
        wrong.push(error.message)
        killed.resolve()
      }
    }),
  )
  const loaded = Promise.all(workers)
  // Workers end by themselves only when the server has gone. If it died by itself, the kill never comes.
  await Promise.race([killed.promise, loaded])
  clearTimeout(timeout)
  if (answersLeft >= 0 && wrong.length === 0) wrong.push(`the server ended by itself: ${server.output()}`)
  await server.kill()
  await loaded
  calls.close()
  return wrong
}
