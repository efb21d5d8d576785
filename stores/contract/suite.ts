import { describe } from 'node:test'
import { clauses, type OpenStore } from './clause.ts'
import { directoryContract } from './directory.ts'
import { durableContract } from './durable.ts'
import { expiryContract } from './expiries.ts'
import { groupContract } from './group.ts'
import { logContract } from './log.ts'
import { modelContract } from './model.ts'
import { namesContract } from './names.ts'
import { pagingContract } from './paging.ts'
import { tokenContract } from './tokens.ts'
import { trimContract } from './trim.ts'
import { walksContract } from './walks.ts'
import { watchContract } from './watch.ts'

export type { Opened, OpenStore } from './clause.ts'

export type StoreContractOptions = {
  /** Whether a new instance over the same data sees what an earlier one committed. */
  readonly durable: boolean
  /** Whether rows get the time of the store's clock, and not the one that the write says. */
  readonly ownTimes?: boolean
  /** Sentences that a store does not satisfy yet, each with the reason; they run and are reported as to do. */
  readonly todo?: Readonly<Record<string, string>>
}

/** Registers the tests that every store must pass. `name` heads them in the report; each call of `open` makes an empty store. */
export function storeContract(
  name: string,
  open: OpenStore,
  { durable, ownTimes = false, todo = {} }: StoreContractOptions = { durable: true },
): void {
  const clause = clauses(open, todo)
  describe(`${name}: the contract of a store`, () => {
    describe('tokens', () => tokenContract(clause))
    describe('the highest expiries', () => expiryContract(clause))
    describe('writes and groups', () => groupContract(clause))
    describe('the log', () => logContract(clause, ownTimes))
    describe('trimming the log', () => trimContract(clause))
    describe('watching the log', () => watchContract(clause))
    describe('the directory', () => directoryContract(clause))
    describe('pages and scans', () => pagingContract(clause))
    describe('searches', () => walksContract(clause))
    describe('searches by name', () => namesContract(clause))
    describe('against a model', () => modelContract(clause, ownTimes))
    describe('the floor and what survives a restart', () => durableContract(clause, durable))
  })
}
