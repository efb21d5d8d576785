import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '../../frame/io.ts'
import { membersOf, numberOf, textOf } from '../../remote/members.ts'
import { readPrivateFile, writePrivateFile } from '../../remote/private-files.ts'
import type { BulkInput } from './input.ts'
import { Lock } from './lock.ts'

/** A report that is being made: its lines so far, in a draft beside it. */
export type KeptReport = { readonly path: string; readonly offset: number }

/** What is kept of a call that may be interrupted. It holds no text of the input. */
export type Kept = {
  readonly idempotencyKey: string
  /** Hashes what was asked: another question would be another call. */
  readonly question: string
  readonly inputName: string
  readonly inputHash: string
  /** The last line whose results are all reported. */
  readonly line: number
  readonly report: KeptReport | undefined
}

/** Where a call is made, and whether it changes anything: one that was only tried is no part of the real one. */
export type Whereto = { readonly url: string; readonly realm: string | undefined; readonly dryRun: boolean }

const AGE_MAX_MS = 30 * 86_400_000

/** The small files of interrupted calls: `$XDG_STATE_HOME/rescind/bulk/ID.json`, for this user alone. */
export class BulkStates {
  readonly #folder: string
  readonly #whereto: Whereto

  constructor(environment: Environment, whereto: Whereto) {
    const state = environment['XDG_STATE_HOME'] || join(environment['HOME'] || homedir(), '.local', 'state')
    this.#folder = join(state, 'rescind', 'bulk')
    this.#whereto = whereto
  }

  /** The interrupted call with this input; undefined when there is none. */
  find({ hash }: BulkInput): Kept | undefined {
    return readKept(this.#pathOf(hash))
  }

  /** An interrupted call with a file of this name that held something else. */
  findChanged({ name, hash }: BulkInput): Kept | undefined {
    if (name === '-' || !existsSync(this.#folder)) return undefined
    for (const file of readdirSync(this.#folder)) {
      const path = join(this.#folder, file)
      if (!file.startsWith(`${this.#prefix()}-`) || !file.endsWith('.json')) continue
      const kept = readKept(path)
      if (kept?.inputName === name && kept.inputHash !== hash) return kept
    }
    return undefined
  }

  /** Keeps other processes off the call with this input. @throws CommandFailed while one works on it. */
  lock({ inputHash }: Pick<Kept, 'inputHash'>): Lock {
    return Lock.take(`${this.#pathOf(inputHash)}.lock`)
  }

  write(kept: Kept): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    writePrivateFile(this.#pathOf(kept.inputHash), `${JSON.stringify(kept)}\n`)
  }

  remove({ inputHash }: Pick<Kept, 'inputHash'>): void {
    rmSync(this.#pathOf(inputHash), { force: true })
  }

  /** Forgets calls that are older than any server remembers. */
  prune(): void {
    if (!existsSync(this.#folder)) return
    for (const file of readdirSync(this.#folder)) {
      const path = join(this.#folder, file)
      const found = statSync(path, { throwIfNoEntry: false })
      if (found !== undefined && Date.now() - found.mtimeMs > AGE_MAX_MS) rmSync(path, { force: true })
    }
  }

  #prefix(): string {
    const { url, realm, dryRun } = this.#whereto
    return hashOf([url, realm, dryRun]).slice(0, 16)
  }

  #pathOf(inputHash: string): string {
    return join(this.#folder, `${this.#prefix()}-${hashOf([inputHash]).slice(0, 32)}.json`)
  }
}

export function newKept(input: BulkInput, question: string): Kept {
  const { name: inputName, hash: inputHash } = input
  return { idempotencyKey: randomUUID(), question, inputName, inputHash, line: 0, report: undefined }
}

export function hashOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

function readKept(path: string): Kept | undefined {
  if (!existsSync(path)) return undefined
  let json: unknown
  try {
    json = JSON.parse(readPrivateFile(path, 'the state of an interrupted call'))
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
  const { idempotencyKey, question, inputName, inputHash, line, report } = membersOf(json)
  const { path: reportPath, offset } = membersOf(report)
  if (textOf(idempotencyKey) === '' || textOf(inputHash) === '') return undefined
  return {
    ...{ idempotencyKey: textOf(idempotencyKey), question: textOf(question) },
    ...{ inputName: textOf(inputName), inputHash: textOf(inputHash) },
    line: numberOf(line),
    report: report === undefined ? undefined : { path: textOf(reportPath), offset: numberOf(offset) },
  }
}
