import type { Group, GroupOutcome, Store } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'
import { MemoryStore } from '@rescind/stores'

/** What the next commits do: work, fail before writing, or fail after writing. */
export type CommitFate = 'works' | 'fails-unwritten' | 'fails-written'

/** A store whose commits, reopenings and log reads fail when a test says so. */
export class FaultyStore extends MemoryStore {
  fate: CommitFate = 'works'
  /** How many of the next calls fail. */
  reopenFailures = 0
  rowsFailures = 0
  /** Calls so far, and the groups that were written. */
  commits = 0
  reopens = 0
  readonly written: Group[] = []
  /** A commit waits for this before it does anything. */
  gate: Promise<void> | undefined

  override async commit(group: Group): Promise<GroupOutcome> {
    this.commits += 1
    if (this.gate !== undefined) await this.gate
    if (this.fate === 'fails-unwritten') throw new StoreUnavailable('the disk is gone')
    const outcome = await super.commit(group)
    this.written.push(group)
    if (this.fate === 'fails-written') throw new StoreUnavailable('the answer was lost')
    return outcome
  }

  override async reopen(): Promise<void> {
    this.reopens += 1
    if (this.reopenFailures > 0) {
      this.reopenFailures -= 1
      throw new StoreUnavailable('still gone')
    }
  }

  override rowsAfter(...ask: Parameters<Store['rowsAfter']>): ReturnType<Store['rowsAfter']> {
    if (this.rowsFailures > 0) {
      this.rowsFailures -= 1
      return Promise.reject(new StoreUnavailable('no rows now'))
    }
    return super.rowsAfter(...ask)
  }
}
