import { Scope, type Token } from './history.ts'
import type { DrillUser } from './seed.ts'

/** Those of whom everything can be ended at once: an OAuth subject, a chat client, an Identity user. */
export class Principal {
  readonly id: string
  readonly user: DrillUser | undefined
  #scope: Scope
  #cutoffs = 0
  /** A cutoff is under way: nobody can say on which side of it a token would be. */
  #isEnding = false
  /** Nobody knows when the last request about it takes effect. */
  #isLost = false

  constructor(id: string, user?: DrillUser) {
    this.id = id
    this.user = user
    this.#scope = new Scope(id)
  }

  get scope(): Scope {
    return this.#scope
  }

  /** Whether tokens that are issued now are clearly before or behind each cutoff. */
  get isClear(): boolean {
    return !this.#isEnding && !this.#isLost
  }

  get isLost(): boolean {
    return this.#isLost
  }

  begin(): Scope {
    this.#isEnding = true
    return this.#scope
  }

  /** What is issued from now on is not hit. */
  done(): void {
    this.#isEnding = false
    this.#cutoffs += 1
    this.#scope = new Scope(`${this.id} after ${this.#cutoffs} cutoffs`)
  }

  /** It was only suspended. */
  goesOn(): void {
    this.#isEnding = false
  }

  lose(): void {
    this.#isLost = true
  }
}

/** A grant with the refresh token that comes next, and those that were used. */
export type Grant = {
  readonly scope: Scope
  readonly subject: Principal
  next: Token | undefined
  readonly used: Token[]
  isRefreshing: boolean
}
