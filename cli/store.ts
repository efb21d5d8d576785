import { SettingsRefused } from '@rescind/core'
import { checkConfig } from '@rescind/server'
import { type MoveDone, type MoveStep, migrateStore, parseStoreUrl, type StoreUrl } from '@rescind/stores'
import { fileStore, masterKeyOf, type Told, type ValuesOf } from './store-words.ts'

const USAGE = 'the command is: rescind store migrate FROM TO [FLAGS]'

/**
 * `rescind store migrate FROM TO`: moves a stopped store between SQLite and PostgreSQL, with everything that it holds.
 * @throws SettingsRefused, StoreRefused.
 */
export async function store(words: readonly string[], valuesOf: ValuesOf): Promise<Told> {
  const [sub, from = '', to = '', ...flags] = words
  if (sub !== 'migrate' || [from, to].some((word) => word === '' || word.startsWith('-')))
    throw new SettingsRefused(USAGE)
  const ends = { from: absolute(from), to: absolute(to) }
  const config = checkConfig(valuesOf(flags))
  const { sideLog } = config
  const done = await migrateStore({
    ...ends,
    sideLog: typeof sideLog === 'object' ? { ...sideLog, salvage: false } : sideLog,
    master: masterKeyOf(config),
    onStep: telling(process.stderr),
  })
  return { lines: linesOf(done), isWhole: true }
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

type Stream = Pick<NodeJS.WriteStream, 'write' | 'isTTY'>

/** One line that changes on a terminal, and a line a second elsewhere. */
export function telling(
  stream: Stream,
  now: () => number = () => performance.now(),
): (step: MoveStep) => void {
  let toldMs = now()
  return ({ what, rows, of }) => {
    const isOver = rows >= of
    if (!isOver && now() - toldMs < (stream.isTTY ? TELL_EVERY_MS / 10 : TELL_EVERY_MS)) return
    toldMs = now()
    const line = `rescind: ${rows} of ${of} rows ${what}`
    stream.write(stream.isTTY ? `\r${line}${isOver ? '\n' : ''}` : `${line}\n`)
  }
}
