import { checkConfig } from '@rescind/server'
import { type MoveDone, type MoveStep, migrateStore, parseStoreUrl, type StoreUrl } from '@rescind/stores'
import type { Call } from '../../frame/call.ts'
import { isDryRun } from '../../frame/confirm.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import type { Io, Out } from '../../frame/io.ts'
import { settingValues } from '../setting-values.ts'
import { fileStore, masterKeyOf, tell } from './store-words.ts'

/**
 * `rescind store migrate FROM TO`: moves a stopped store between SQLite and PostgreSQL, with everything that it holds.
 * @throws SettingsRefused, StoreRefused.
 */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const [from = '', to = ''] = call.positionals
  const ends = { from: absolute(from), to: absolute(to) }
  const config = checkConfig(settingValues(call, io))
  const { sideLog } = config
  const plan = {
    lines: [`${from} would be moved to ${to}, and refuse to start afterwards.`],
    json: { from, to },
  }
  if (isDryRun(call, io, plan)) return EXIT.done
  const done = await migrateStore({
    ...ends,
    sideLog: typeof sideLog === 'object' ? { ...sideLog, salvage: false } : sideLog,
    master: masterKeyOf(config),
    onStep: io.isQuiet || io.isJson ? () => undefined : telling(io.errors),
  })
  return tell(io, { lines: linesOf(done), isWhole: true })
}

function absolute(text: string): StoreUrl {
  const url = parseStoreUrl(text, 'store migrate')
  return fileStore(url) ?? url
}

function linesOf({ from, to, digest }: MoveDone): readonly string[] {
  const what = digest === undefined ? 'was moved before' : `${digest.rows} rows, digest ${digest.text}`
  return [
    `${from} is ${to} now: ${what}.`,
    'The old store refuses to start. Keep the master key: the new one has the same.',
  ]
}

const TELL_EVERY_MS = 1_000

/** One line that changes on a terminal, and a line a second elsewhere. */
export function telling(stream: Out, now: () => number = () => performance.now()): (step: MoveStep) => void {
  let toldMs = now()
  return ({ what, rows, of }) => {
    const isOver = rows >= of
    if (!isOver && now() - toldMs < (stream.isTTY ? TELL_EVERY_MS / 10 : TELL_EVERY_MS)) return
    toldMs = now()
    const line = `rescind: ${rows} of ${of} rows ${what}`
    stream.write(stream.isTTY ? `\r${line}${isOver ? '\n' : ''}` : `${line}\n`)
  }
}
