import { test } from 'node:test'
import type { Store } from '@rescind/authority'
import { bothWays } from './both-ways.ts'

/** A store under test. */
export type Opened = {
  readonly store: Store
  /** Closes what is open, and opens the same data again. */
  readonly reopen: () => Promise<Store>
  /** Closes what is open and removes its data. */
  readonly destroy: () => Promise<void>
}

export type OpenStore = () => Promise<Opened>

/** Registers one sentence of the contract with its test, which gets a new store. */
export type Clause = (sentence: string, run: (opened: Opened) => Promise<void>) => void

/** Registers clauses as tests. Clauses named in `todo` run too, but as known failures, which fail nothing. */
export function clauses(open: OpenStore, todo: Readonly<Record<string, string>>): Clause {
  return (sentence, run) => {
    test(sentence, { todo: todo[sentence] ?? false }, async () => {
      const opened = await open()
      try {
        await run({
          ...opened,
          store: bothWays(opened.store),
          reopen: async () => bothWays(await opened.reopen()),
        })
      } finally {
        await opened.destroy()
      }
    })
  }
}
