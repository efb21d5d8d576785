import type { Readable } from 'node:stream'
import type { Call } from './call.ts'
import type { CommandEntry } from './entry.ts'
import { jsonText } from './harmless.ts'
import { type Line, rendered } from './lines.ts'
import { LiveLines } from './live-lines.ts'

/** A stream of the process, or one of a test. */
export type Out = {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

export type Environment = Readonly<Record<string, string | undefined>>

/** What a command line runs in. */
export type IoParts = {
  readonly input: Readable & { readonly isTTY?: boolean }
  readonly output: Out
  readonly errors: Out
  readonly environment: Environment
  /** The whole table. */
  readonly commands: readonly CommandEntry[]
  /** Aborted by the first Ctrl-C. */
  readonly interrupted: AbortSignal
}

/** How a command speaks: results to standard output, everything else to standard error. */
export class Io {
  readonly input: IoParts['input']
  readonly errors: Out
  readonly environment: Environment
  /** The table that this command is a row of. */
  readonly commands: readonly CommandEntry[]
  readonly interrupted: AbortSignal
  readonly isJson: boolean
  readonly isQuiet: boolean
  readonly isVerbose: boolean
  readonly #output: Out
  readonly #isColourless: boolean

  constructor(surroundings: IoParts, call: Call) {
    this.input = surroundings.input
    this.errors = surroundings.errors
    this.environment = surroundings.environment
    this.commands = surroundings.commands
    this.interrupted = surroundings.interrupted
    this.#output = surroundings.output
    this.isJson = call.isOn('json') || call.text('output') === 'json'
    this.isQuiet = call.isOn('quiet')
    this.isVerbose = call.isOn('verbose')
    this.#isColourless = call.isOn('no-color')
  }

  /** Whether a person can be asked: prompts read standard input, and are shown on standard error. */
  get canAsk(): boolean {
    return this.input.isTTY === true && this.errors.isTTY === true && !this.isJson
  }

  /** Whether results go to a person's screen, so that a live display makes sense. */
  get isOnTerminal(): boolean {
    return this.#output.isTTY === true && !this.isJson
  }

  /** Whether progress can be drawn on standard error. */
  get hasLiveErrors(): boolean {
    return this.errors.isTTY === true && !this.isJson && !this.isQuiet
  }

  /** The result of a command that does not stream: one JSON document, or lines. Call it once. */
  result(json: unknown, lines: () => readonly Line[]): void {
    if (this.isJson) this.#output.write(`${jsonText(json, 2)}\n`)
    else for (const line of lines()) this.#print(line)
  }

  /** One item of a command that streams: one line of JSON, or lines. */
  item(json: unknown, lines: () => readonly Line[]): void {
    if (this.isJson) this.#output.write(`${jsonText(json)}\n`)
    else for (const line of lines()) this.#print(line)
  }

  /** Bytes that are the result by themselves, such as a script or an export, whatever --json says. */
  raw(text: string): void {
    this.#output.write(text)
  }

  /** Something a person should know beside the result, on standard error; not with --json or --quiet. */
  note(line: Line): void {
    if (!this.isJson && !this.isQuiet) this.#tell(line)
  }

  /** A request that was made, under --verbose. */
  trace(line: Line): void {
    if (this.isVerbose) this.#tell(line)
  }

  /** Results that are drawn again in place, for `isOnTerminal`. */
  liveResult(): LiveLines {
    return this.#live(this.#output)
  }

  /** Progress that is drawn again in place, for `hasLiveErrors`. */
  liveProgress(): LiveLines {
    return this.#live(this.errors)
  }

  #live(out: Out): LiveLines {
    return new LiveLines(out, (line) => rendered(line, this.#hasColours(out)))
  }

  #tell(line: Line): void {
    this.errors.write(`${rendered(line, this.#hasColours(this.errors))}\n`)
  }

  #print(line: Line): void {
    this.#output.write(`${rendered(line, this.#hasColours(this.#output))}\n`)
  }

  #hasColours(out: Out): boolean {
    return !this.#isColourless && hasColours(out, this.environment)
  }
}

/** @see https://no-color.org, https://force-color.org */
function hasColours(out: Out, environment: Environment): boolean {
  const isSet = (name: string): boolean => (environment[name] ?? '') !== ''
  if (isSet('NO_COLOR')) return false
  if (isSet('FORCE_COLOR')) return environment['FORCE_COLOR'] !== '0'
  return out.isTTY === true && environment['TERM'] !== 'dumb'
}
