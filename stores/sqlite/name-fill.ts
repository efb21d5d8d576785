import { setTimeout as wait } from 'node:timers/promises'
import type { NameIndex } from './name-index.ts'
import type { NamesAsk, NamesRead } from './name-read.ts'
import { highestRow } from './read-index.ts'
import type { Reader } from './reader.ts'
import type { TokenIndex } from './token-index.ts'

/** Tokens read at once: two or three milliseconds of the reader thread, as for a page of a list. */
const NAMES_PER_READ = 500
/** How long to wait after a page that could not be read. */
const RETRY_MS = 1_000

/** At an opening. A small store has its names from then on. */
export async function beginNames(reader: Reader, { names, size }: TokenIndex): Promise<void> {
  names.beginFill(await highestRow(reader))
  if (size > NAMES_PER_READ) void fillNames((ask) => reader.walk(ask), names)
  else await fillNames((ask) => reader.now(ask), names)
}

/** Makes the index anew once most of it is of tokens that are gone; the old one answers meanwhile. */
export function renewNames(reader: Reader, { names }: TokenIndex): void {
  if (!names.isWorn) return
  names.beginFill()
  void fillNames((ask) => reader.walk(ask), names)
}

type ReadNames = (ask: NamesAsk) => Promise<NamesRead>

/**
 * Reads the names of all tokens, in turn with the lists, and leaves the reader thread free as long as it keeps it busy: filling
 * the index takes some seconds per million tokens, and nothing waits for it. Goes on until it has come to the newest token
 * that is committed by then. Never throws.
 */
async function fillNames(read: ReadNames, index: NameIndex): Promise<void> {
  const { seed } = index
  for (let after = 0; index.isFilling; ) {
    const [beganMs, through] = [performance.now(), index.highest]
    const ask = { kind: 'names', after, through, limit: NAMES_PER_READ, seed } as const
    const page = await read(ask).catch(() => undefined)
    if (page === undefined) {
      await wait(RETRY_MS, undefined, { ref: false })
      continue
    }
    index.load(page)
    const isShort = page.rows.length < NAMES_PER_READ
    // No row was committed since the page was asked for, and none can come in between.
    if (isShort && through === index.highest) return index.endFill()
    after = isShort ? through : (page.rows.at(-1) ?? through)
    await wait(performance.now() - beganMs, undefined, { ref: false })
  }
}
