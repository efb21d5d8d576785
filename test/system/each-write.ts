import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { realmOrdinal } from '@rescind/core'
import { decodeRule } from '@rescind/core/log'
import { openSqlite } from '@rescind/stores'
import { handleAt } from '../../stores/contract/samples.ts'
import { COMPILE_CACHE, makeHome } from '../kit/server.ts'
import { CannotTrace } from './failed-flush.ts'

const PROGRAM = fileURLToPath(new URL('./write-program.ts', import.meta.url))
const REALM = realmOrdinal(1)
/** System calls that change the files of a store, or make a change durable. */
const CALLS = ['pwrite64', 'write', 'ftruncate', 'fsync', 'fdatasync', 'unlink'] as const
/** More calls than the work makes of any kind. A run that is not ended by then ends the search. */
const CALLS_MAX = 400

type Ended = { readonly acks: readonly number[]; readonly isDone: boolean }

/** Runs the work until one thread enters its n-th call of this kind on a file of the store. */
function endAt(path: string, call: string, nth: number): Ended {
  const files = [path, `${path}-wal`, `${path}-shm`, `${path}.side`].flatMap((file) => ['-P', file])
  const words = [
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    ...files,
    '-e',
    `trace=${call}`,
    '-e',
    `inject=${call}:signal=KILL:when=${nth}`,
  ]
  const program = [process.execPath, PROGRAM, path]
  const env = { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE }
  const { stdout, stderr, error } = spawnSync('strace', [...words, ...program], { encoding: 'utf8', env })
  if (error !== undefined || /ptrace|not permitted/i.test(stderr))
    throw new CannotTrace(error?.message ?? stderr)
  const acks = [...stdout.matchAll(/^ack (\d+)$/gm)].map(([, ack]) => Number(ack))
  return { acks, isDone: /^done$/m.test(stdout) }
}

/**
 * Asserts that every acknowledged write is in the log or among the rows kept after trimming. Opening checks that the
 * store still fits its side log.
 */
async function assertKept(path: string, { acks }: Ended): Promise<void> {
  const store = await openSqlite(path, 0, { sideLog: { path: `${path}.side`, salvage: false } })
  const rows = [...(await store.keptRows(REALM, 0, 1_000)), ...(await store.rowsAfter(REALM, 0, 1_000))]
  const handles = new Set(
    rows.map((row) => {
      const rule = decodeRule(row)
      return rule.kind === 'revoke' && rule.target.kind === 'token' ? rule.target.handle : undefined
    }),
  )
  await store.close()
  for (const ack of acks)
    assert.ok(handles.has(handleAt(ack)), `revocation ${ack} was acknowledged and is gone`)
}

/** [G06] A process that is killed as it enters any of its writing calls has lost no acknowledged write. */
export async function eachWrite(): Promise<string> {
  let points = 0
  let acknowledged = 0
  for (const call of CALLS) {
    for (let nth = 1; nth < CALLS_MAX; nth += 1) {
      const home = makeHome()
      const path = join(home.folder, 's.db')
      const ended = endAt(path, call, nth)
      await assertKept(path, ended)
      home.remove()
      acknowledged += ended.acks.length
      if (ended.isDone) break
      points += 1
    }
  }
  assert.ok(points > 50 && acknowledged > points, `${points} points, ${acknowledged} revocations`)
  return `strace: killed at each of ${points} writes and flushes, ${acknowledged} revocations acknowledged, none lost`
}
