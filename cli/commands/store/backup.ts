import { resolve } from 'node:path'
import { backupStore } from '@rescind/stores'
import type { Call } from '../../frame/call.ts'
import { isDryRun } from '../../frame/confirm.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import { storeWords, tell } from './store-words.ts'

const ON_DATABASE =
  'a database is copied by its own tools, pg_basebackup or pg_dump (docs/run/postgres.md, "Backups")'

/** `rescind backup FILE`. @throws SettingsRefused, StoreRefused. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const { url } = storeWords(call, io, ON_DATABASE)
  const target = resolve(call.positional(0) ?? '')
  const plan = {
    lines: [`${url.path} would be copied to ${target}.`],
    json: { backup: url.path, to: target },
  }
  if (isDryRun(call, io, plan)) return EXIT.done
  await backupStore(url, target, { onProgress: telling(io) })
  const lines = [
    `${url.path} was copied to ${target}.`,
    'It is useless without the master key, which it does not contain: back that up separately.',
  ]
  return tell(io, { lines, isWhole: true })
}

const TELL_EVERY_MS = 1_000
const PAGE_BYTES = 4_096

/** Prints a line a second to standard error, so that the progress of a long copy is visible. */
function telling(io: Io): (copied: number, total: number) => void {
  let toldMs = performance.now()
  return (copied, total) => {
    if (performance.now() - toldMs < TELL_EVERY_MS) return
    toldMs = performance.now()
    const [done, all] = [copied, total].map((pages) => Math.round((pages * PAGE_BYTES) / 2 ** 20))
    io.note(`rescind: ${done} of ${all} MB copied`)
  }
}
