import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { CommandFailed } from '../../frame/failure.ts'
import { isLinked } from '../../remote/private-files.ts'

/** The holder touches its lock this often; ids of processes are given again, so silence counts as its end. */
const [TOUCHED_EVERY_MS, SILENCE_MAX_MS] = [5_000, 30_000]

/** A file that one process at a time has, with the id of that process. One of a process that has ended is taken over. */
export class Lock {
  readonly #path: string
  readonly #text: string
  readonly #timer: NodeJS.Timeout

  private constructor(path: string, text: string) {
    this.#path = path
    this.#text = text
    this.#timer = setInterval(() => this.#touch(), TOUCHED_EVERY_MS).unref()
  }

  /** @throws CommandFailed while another process has it. */
  static take(path: string): Lock {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const text = `${process.pid} ${randomBytes(6).toString('hex')}\n`
    for (;;) {
      if (isWritten(path, text)) return new Lock(path, text)
      const found = textOf(path)
      if (found === undefined) continue
      if (isHeld(path, found)) throw busy(found)
      removeStale(path, found)
    }
  }

  release(): void {
    clearInterval(this.#timer)
    if (textOf(this.#path) === this.#text) rmSync(this.#path, { force: true })
  }

  #touch(): void {
    const now = new Date()
    if (textOf(this.#path) === this.#text) utimesSync(this.#path, now, now)
  }
}

/** Written before it has the name, so that nobody reads an empty one. */
function isWritten(path: string, text: string): boolean {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  writeFileSync(draft, text, { flag: 'wx', mode: 0o600 })
  try {
    return isLinked(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Two may find the same stale lock, and the slower one must not remove what the faster one has put there. */
function removeStale(path: string, stale: string): void {
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  if (!isMoved(path, aside)) return
  if (textOf(aside) !== stale) isLinked(aside, path)
  rmSync(aside, { force: true })
}

function isHeld(path: string, text: string): boolean {
  const pid = pidOf(text)
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined || pid === process.pid) return false
  return Date.now() - found.mtimeMs < SILENCE_MAX_MS && isAlive(pid)
}

function busy(text: string): CommandFailed {
  return new CommandFailed(`another process (${pidOf(text)}) works on this list`, {
    next: 'wait until it has ended',
  })
}

function pidOf(text: string): number {
  return Number.parseInt(text, 10)
}

function isMoved(from: string, to: string): boolean {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    return false
  }
}

/** Undefined when there is no such file. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}
