import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Reaper } from './reaper.ts'

export type SessionStart = {
  /** Where the commands run. */
  readonly cwd: string
  /** A folder for what the session keeps beside. */
  readonly scratch: string
  readonly environment: Readonly<Record<string, string>>
  /** A block that takes longer fails. */
  readonly blockTimeoutMs: number
}

/** Commands, and the line of the page where they begin. */
export type Block = { readonly line: number; readonly text: string }

export type Ran = { readonly stdout: string; readonly failure: Failure | undefined }
export type Failure = { readonly line: number; readonly command: string; readonly came: string }

/** A command that ends the session leaves its line in a file. */
const PREAMBLE = `set -eEu -o pipefail
trap 'echo "$LINENO" >"$PAGE_SCRATCH/failed"' ERR
`
const LISTENS = /\blistening\b/i

/**
 * One bash for all blocks of a page, as one terminal: variables stay. What is left running in the background are process
 * groups of their own, as the other terminals of a reader. Nothing outlives `close`, or this process.
 */
export class Session {
  readonly #bash: ChildProcess
  readonly #start: SessionStart
  /** Process groups in the background. */
  readonly #groups = new Set<number>()
  readonly #reaper = new Reaper()
  /** What bash says of its progress, and what the background prints. */
  #told = ''
  #printed = ''
  #blocks = 0
  /** Settled by whatever happens next. */
  #change = Promise.withResolvers<void>()

  constructor(start: SessionStart) {
    this.#start = start
    this.#bash = spawn('bash', ['--noprofile', '--norc'], {
      cwd: start.cwd,
      env: { ...start.environment, PAGE_SCRATCH: start.scratch },
      stdio: ['pipe', 'ignore', 'ignore', 'pipe', 'pipe'],
      detached: true,
    })
    this.#pipe(3).on('data', (chunk: Buffer) => {
      this.#told += chunk.toString('utf8')
      this.#wake()
    })
    this.#pipe(4).on('data', (chunk: Buffer) => {
      this.#printed += chunk.toString('utf8')
      this.#wake()
    })
    this.#bash.once('exit', () => this.#wake())
    this.#watchGroups()
    this.#write(PREAMBLE)
  }

  /** Runs commands to their end. */
  async run(block: Block): Promise<Ran> {
    const { name, file } = this.#placed(block)
    const [out, err] = [`${file}.out`, `${file}.err`]
    this.#write(`source '${file}' </dev/null >'${out}' 2>'${err}' 3>&- 4>&-; printf 'done ${name}\\n' >&3`)
    const isDone = await this.#until(() => this.#told.includes(`done ${name}\n`))
    const stdout = textIn(out)
    if (isDone) return { stdout, failure: undefined }
    return { stdout, failure: this.#failureOf(block, stdout + textIn(err)) }
  }

  /** Starts commands and leaves them running as soon as they listen: on this port, or by what they print. */
  async background(block: Block, port: number | undefined): Promise<Ran> {
    const { name, file } = this.#placed(block)
    const before = this.#printed.length
    // Said where its output goes, so that all of that is known by then.
    const over = `\u0001over ${name}\n`
    const ends = `trap - ERR; trap 'printf "\\001over ${name}\\n" >&4' EXIT`
    this.#write(`set -m; (${ends}; source '${file}' </dev/null >&4 2>&1 3>&- 4>&-) & set +m
printf 'group ${name} %s\\n' "$!" >&3`)
    const started = new RegExp(`^group ${name} (\\d+)$`, 'm')
    await this.#until(() => started.test(this.#told))
    this.#groups.add(Number(started.exec(this.#told)?.[1]))
    this.#watchGroups()
    const printed = (): string => this.#printed.slice(before)
    const listens = port === undefined ? () => LISTENS.test(printed()) : () => accepts(port)
    const hasEnded = (): boolean => printed().includes(over)
    const isUp = await this.#until(async () => hasEnded() || (await listens()), port !== undefined)
    if (isUp && !hasEnded()) return { stdout: printed(), failure: undefined }
    const why = isUp ? 'it ended' : 'it does not listen'
    const command = block.text.split('\n')[0] ?? ''
    return {
      stdout: '',
      failure: { line: block.line, command, came: `${why}\n${printed().replace(over, '')}` },
    }
  }

  /** Ctrl-C for all that runs in the background, until it has ended. */
  async stop(): Promise<void> {
    const groups = [...this.#groups]
    for (const group of groups) interrupt(group)
    const name = `stop-${++this.#blocks}`
    this.#write(`wait ${groups.join(' ')} || true; printf 'done ${name}\\n' >&3`)
    if (!(await this.#until(() => this.#told.includes(`done ${name}\n`))))
      throw new Error(`Ctrl-C did not end it:\n${this.#printed}`)
    this.#groups.clear()
    this.#watchGroups()
  }

  async close(): Promise<void> {
    await this.#reaper.close()
    if (!this.#hasEnded()) await once(this.#bash, 'exit')
  }

  #watchGroups(): void {
    this.#reaper.watch([this.#bash.pid ?? assert.fail('bash cannot be started'), ...this.#groups])
  }

  /** The block as a file whose lines have the numbers of the page, for what bash says of them. */
  #placed({ line, text }: Block): { readonly name: string; readonly file: string } {
    const name = String(++this.#blocks)
    const file = join(this.#start.scratch, name)
    writeFileSync(file, `${'\n'.repeat(line - 1)}${text}\n`)
    rmSync(this.#failedFile(), { force: true })
    return { name, file }
  }

  #failureOf(block: Block, came: string): Failure {
    const why = this.#hasEnded() ? '' : `\nnot done after ${this.#start.blockTimeoutMs} ms`
    const trapped = textIn(this.#failedFile())
    // What bash itself refuses, an unset variable say, is trapped by nothing; its message has the line.
    const line = Number(trapped === '' ? (/: line (\d+): /.exec(came)?.[1] ?? block.line) : trapped)
    return { line, command: block.text.split('\n')[line - block.line] ?? '', came: came + why }
  }

  /** Whether it came to be before bash ended, or the time ran out. */
  async #until(isSo: () => boolean | Promise<boolean>, polls = false): Promise<boolean> {
    const deadline = AbortSignal.timeout(this.#start.blockTimeoutMs)
    deadline.addEventListener('abort', () => this.#wake())
    for (;;) {
      const changed = this.#change.promise
      if (await isSo()) return true
      if (this.#hasEnded() || deadline.aborted) return false
      // A port that is polled is asked again at once: each refused connection waits for the event loop.
      if (!polls) await changed
    }
  }

  #wake(): void {
    const { resolve } = this.#change
    this.#change = Promise.withResolvers()
    resolve()
  }

  #hasEnded(): boolean {
    return this.#bash.exitCode !== null || this.#bash.signalCode !== null
  }

  #failedFile(): string {
    return join(this.#start.scratch, 'failed')
  }

  #pipe(descriptor: number): Readable {
    const stream = this.#bash.stdio[descriptor]
    if (stream instanceof Readable) return stream
    throw new Error(`bash has no descriptor ${descriptor}`)
  }

  #write(text: string): void {
    this.#bash.stdin?.write(`${text}\n`)
  }
}

function textIn(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const isUp = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  })
  socket.destroy()
  return isUp
}

/** Sends SIGINT to a whole process group, if there is one left of it. */
function interrupt(group: number): void {
  try {
    process.kill(-group, 'SIGINT')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
