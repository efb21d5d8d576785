import { existsSync } from 'node:fs'
import { isMaster, type MasterKey, type Realms, type RealmsAct, type Store } from '@rescind/authority'
import { type Random, StoreUnavailable } from '@rescind/core'
import {
  dropNextMasterKey,
  makeNextMasterKey,
  readMasterKey,
  readNextMasterKey,
  takeNextMasterKey,
} from '../machine/key-files.ts'

/** `other-nodes`: these have the old key, and would not open what is wrapped with the new one. */
export type Rotated = 'done' | 'stale' | 'running' | 'no-file' | 'other-nodes'

/**
 * The master key that opens the store: the key in the file or, after an interrupted change, the next key. Removes what
 * that change left behind.
 */
export async function settledMasterKey(path: string, store: Store): Promise<MasterKey> {
  const next = readNextMasterKey(path)
  if (next !== undefined) {
    if (await isMaster(store, next)) takeNextMasterKey(path)
    else dropNextMasterKey(path)
  }
  return readMasterKey(path)
}

/**
 * Changes the master key while the server runs. The next key is on disk before it wraps anything; then all realms are
 * rewrapped in one write; then it takes the file's name. After an interruption at any point, the next start finds the
 * key that opens the store.
 */
export class MasterKeyFile {
  readonly #path: string | undefined
  readonly #parts: { readonly realms: Realms; readonly store: Store; readonly random: Random }
  #running = false

  /** @param path undefined when the key is not in a file. */
  constructor(path: string | undefined, parts: { realms: Realms; store: Store; random: Random }) {
    this.#path = path
    this.#parts = parts
  }

  async rotate(act: RealmsAct): Promise<Rotated> {
    const path = this.#path
    if (path === undefined || !existsSync(path)) return 'no-file'
    if (this.#running) return 'running'
    this.#running = true
    try {
      return await this.#rotate(path, act)
    } finally {
      this.#running = false
    }
  }

  async #rotate(path: string, act: RealmsAct): Promise<Rotated> {
    const { realms, store, random } = this.#parts
    if (await hasOtherNodes(store)) return 'other-nodes'
    await settledMasterKey(path, store)
    const rewrapped = await realms.rewrap(makeNextMasterKey(path, random), act)
    if (rewrapped === 'done') takeNextMasterKey(path)
    else dropNextMasterKey(path)
    return rewrapped
  }
}

/** A node that ended without leaving counts until the upkeep removes its row. @throws StoreUnavailable. */
async function hasOtherNodes({ nodes }: Store): Promise<boolean> {
  if (nodes === undefined) return false
  const reading = await nodes.read([])
  if (reading === undefined) throw new StoreUnavailable('the nodes of the store cannot be read')
  return reading.rows.some(({ node }) => node !== nodes.self)
}
