import { test } from 'node:test'
import type { Store } from '@rescind/authority'
import { bothWays } from './both-ways.ts'

/** A store under test. */
export type Opened = {
  readonly store: Store
  /** Closes what is open and opens the same data again. */
  readonly reopen: () => Promise<Store>
  /** Closes what is open and removes its data. */
  readonly destroy: () => Promise<void>
}

export type OpenStore = () => Promise<Opened>

/** One sentence of the contract and the test of it, which gets a store of its own. */
export type Clause = (sentence: string, run: (opened: Opened) => Promise<void>) => void

/** Registers clauses as tests, over stores that are looked up both ways; those named in `todo` run, too, but their failure is known and fails nothing. */
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
