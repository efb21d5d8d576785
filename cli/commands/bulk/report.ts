import {
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { finished } from 'node:stream/promises'
import { CommandFailed, WrongUse } from '../../frame/failure.ts'
import { textLines } from '../../frame/text-lines.ts'
import { type Members, membersOf, textOf } from '../../remote/members.ts'
import { isLinked } from '../../remote/private-files.ts'
import { csvRow } from './csv.ts'
import type { KeptReport } from './state.ts'

/** Bytes that wait for one write. */
const BUFFER_BYTES = 65_536

/** The columns of a report, in their order: first what every line has. */
const COLUMNS = [
  ...['line', 'result', 'handle', 'source', 'subject', 'client', 'receipt'],
  ...['grant', 'jti', 'realm', 'why', 'credential', 'endedBy'],
] as const

/** A line's result as the server has told it. */
export type FindingJson = Members

/** Finds the receipt of a result. */
export type ReceiptOf = (finding: FindingJson) => string | undefined

/**
 * The lines of a report, in a draft beside it until all are there. A draft can be taken back to an offset, so that each
 * line of the input is in it once whatever was interrupted.
 */
export class Draft {
  readonly #path: string
  readonly #file: number
  #offset: number
  #buffer: string[] = []
  #buffered = 0

  private constructor(path: string, file: number, offset: number) {
    this.#path = path
    this.#file = file
    this.#offset = offset
  }

  /** @throws WrongUse when the report exists. */
  static begin(path: string): Draft {
    for (const one of [path, draftOf(path)]) refuseExisting(one)
    return new Draft(path, openSync(draftOf(path), 'wx', 0o600), 0)
  }

  /** @returns undefined when the draft is not there any more, or has lost what was in it. */
  static goOn({ path, offset }: KeptReport): Draft | undefined {
    const found = statSync(draftOf(path), { throwIfNoEntry: false })
    if (found === undefined || found.size < offset) return undefined
    const file = openSync(draftOf(path), 'r+')
    ftruncateSync(file, offset)
    return new Draft(path, file, offset)
  }

  add(finding: FindingJson): void {
    const line = `${JSON.stringify(finding)}\n`
    this.#buffer.push(line)
    this.#buffered += line.length
    if (this.#buffered >= BUFFER_BYTES) this.#write()
  }

  /** Makes what was added last, and says where it ends. */
  settle(): KeptReport {
    this.#write()
    fdatasyncSync(this.#file)
    return { path: this.#path, offset: this.#offset }
  }

  #write(): void {
    const bytes = Buffer.from(this.#buffer.join(''), 'utf8')
    this.#buffer = []
    this.#buffered = 0
    for (let at = 0; at < bytes.length; )
      at += writeSync(this.#file, bytes, at, bytes.length - at, this.#offset + at)
    this.#offset += bytes.length
  }

  /**
   * The report itself, with receipts; the draft stays until `discard`. @throws CommandFailed when a file of its name has
   * been made meanwhile: nothing is overwritten.
   */
  async finish(format: string, receiptOf: ReceiptOf): Promise<void> {
    this.settle()
    const whole = `${this.#path}.whole`
    rmSync(whole, { force: true })
    const out = createWriteStream(whole, { flags: 'wx', mode: 0o600 })
    if (format === 'csv') out.write(csvRow(COLUMNS))
    for await (const text of textLines(createReadStream(draftOf(this.#path)))) {
      const finding = membersOf(JSON.parse(text))
      const receipt = receiptOf(finding)
      const row = receipt === undefined ? finding : { ...finding, receipt }
      if (!out.write(rowText(row, format))) await new Promise((resolve) => out.once('drain', resolve))
    }
    out.end()
    await finished(out)
    const isNamed = isLinked(whole, this.#path)
    rmSync(whole, { force: true })
    if (!isNamed)
      throw new CommandFailed(`every line is done, but ${this.#path} was made by another process meanwhile`, {
        next: 'move that file away and run the same command again: it writes the report',
      })
  }

  close(): void {
    closeSync(this.#file)
  }

  discard(): void {
    discardDraft(this.#path)
  }
}

/** @throws WrongUse when it exists. */
export function refuseExisting(path: string): void {
  if (existsSync(path)) throw new WrongUse(`${path} exists`, 'name another file: nothing is overwritten')
}

/** Removes the draft of a report, if there is one. */
export function discardDraft(path: string): void {
  rmSync(draftOf(path), { force: true })
}

export function draftOf(path: string): string {
  return `${path}.part`
}

function rowText(row: FindingJson, format: string): string {
  if (format === 'csv') return csvRow(COLUMNS.map((name) => textOf(row[name])))
  return `${JSON.stringify(row)}\n`
}
