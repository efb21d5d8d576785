import { existsSync } from 'node:fs'
import {
  isMaster,
  type MasterKey,
  masterKeyId,
  type Nodes,
  type Realms,
  type RealmsAct,
  type Store,
} from '@rescind/authority'
import { NotReadable, type Random, SettingsRefused } from '@rescind/core'
import {
  dropNextMasterKey,
  makeNextMasterKey,
  readMasterKey,
  readNextMasterKey,
  takeNextMasterKey,
} from '../machine/key-files.ts'

/** So many of the other nodes have the next key. The rest would not open what is wrapped with it. */
export type Spreading = { readonly have: number; readonly others: number }

/**
 * `made-elsewhere`: another node has a next key, and this one has none. `unfinished`: another node's file has the key from
 * before the last change still.
 */
type Refused = 'made-elsewhere' | 'unfinished' | Spreading
export type Rotated = 'done' | 'stale' | 'running' | 'no-file' | Refused

/**
 * The master key that opens the store: the key in the file or, after an interrupted change, the next key. Removes what
 * that change left behind; the nodes of a shared store keep it, as one of them may change to it.
 */
export async function settledMasterKey(path: string, store: Store): Promise<MasterKey> {
  const next = readNextMasterKey(path)
  if (next !== undefined) {
    if (await isMaster(store, next)) takeNextMasterKey(path)
    else if (!store.isShared) dropNextMasterKey(path)
  }
  return readMasterKey(path)
}

type Parts = { readonly realms: Realms; readonly store: Store; readonly random: Random }

/**
 * Changes the master key while the server runs. The next key is on disk before it wraps anything; then all realms are
 * rewrapped in one write; then it takes the file's name. After an interruption at any point, the next start finds the
 * key that opens the store. With several nodes, each has the next key beside its file before one of them rewraps.
 */
export class MasterKeyFile {
  readonly #path: string | undefined
  readonly #parts: Parts
  #running = false
  #turn: Promise<unknown> = Promise.resolve()

  /** @param path undefined when the key is not in a file. */
  constructor(path: string | undefined, { realms, store, random }: Parts) {
    this.#path = path
    this.#parts = { realms, store, random }
  }

  async rotate(act: RealmsAct): Promise<Rotated> {
    const path = this.#path
    if (path === undefined || !existsSync(path)) return 'no-file'
    if (this.#running) return 'running'
    this.#running = true
    try {
      return await this.#inTurn(() => this.#rotate(path, act))
    } finally {
      this.#running = false
    }
  }

  /**
   * One of several nodes looks for a next key, says that it has it, and gives it the file's name once it opens the store.
   * @throws StoreUnavailable.
   */
  async round(): Promise<void> {
    const path = this.#path
    const { nodes } = this.#parts.realms
    if (nodes === undefined || path === undefined || !existsSync(path)) return
    await this.#inTurn(() => this.#look(path, nodes))
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(task)
    this.#turn = Promise.allSettled([turn])
    return turn
  }

  async #rotate(path: string, act: RealmsAct): Promise<Rotated> {
    const { realms } = this.#parts
    const { nodes } = realms
    const next = nodes === undefined ? await this.#made(path) : await this.#spread(path, nodes)
    if (typeof next === 'string' || !('bytes' in next)) return next
    const rewrapped = await realms.rewrap(next, act)
    if (rewrapped === 'done') takeNextMasterKey(path)
    else if (nodes === undefined) dropNextMasterKey(path)
    return rewrapped
  }

  async #made(path: string): Promise<MasterKey> {
    await settledMasterKey(path, this.#parts.store)
    return makeNextMasterKey(path, this.#parts.random)
  }

  /** The next key, once every other node has it that may still say anything. */
  async #spread(path: string, nodes: Nodes): Promise<MasterKey | Refused> {
    const { realms, random } = this.#parts
    const found = await this.#look(path, nodes)
    const current = masterKeyId(realms.masters.current)
    const others = await nodes.keysOfOthers()
    if (others.some(([own = current]) => own !== current)) return 'unfinished'
    if (found === undefined && others.some((ids) => ids.length > 1)) return 'made-elsewhere'
    const next = found ?? makeNextMasterKey(path, random)
    if (found === undefined) await this.#look(path, nodes)
    const id = masterKeyId(next)
    const have = others.filter((ids) => ids.includes(id)).length
    return have === others.length ? next : { have, others: others.length }
  }

  /** @returns the next key. */
  async #look(path: string, nodes: Nodes): Promise<MasterKey | undefined> {
    const { masters } = this.#parts.realms
    await masters.settle()
    const [own, next] = readKeys(path, masters.current)
    // It opens what another node wraps with it before that node can read that it is here.
    if (next !== undefined) masters.expect(next)
    await nodes.announceKeys([own, ...(next === undefined ? [] : [next])].map(masterKeyId))
    return next
  }
}

/** The key in the file and the next one, which takes the file's name if it is the current key. @throws NotReadable. */
function readKeys(path: string, current: MasterKey): [own: MasterKey, next: MasterKey | undefined] {
  try {
    const next = readNextMasterKey(path)
    if (next === undefined || masterKeyId(next) !== masterKeyId(current)) return [readMasterKey(path), next]
    takeNextMasterKey(path)
    return [next, undefined]
  } catch (error) {
    if (!(error instanceof SettingsRefused)) throw error
    // An operator is putting it there, say. The upkeep tells of it, and tries again.
    throw new NotReadable(error.message, { cause: error })
  }
}
