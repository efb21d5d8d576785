/** What of a store cannot be read: one realm, or one thing in it. The rest is served. */
export type UnreadableKind = 'realm' | 'log' | 'record' | 'memo' | 'token'
export type Unreadable = {
  readonly realm: string
  readonly what: UnreadableKind
  /** Which one; never a secret: a collection and id, a kind of expiring entry, the place of a row. */
  readonly name: string
  /** What is wrong with it. */
  readonly why: string
}

/** As many are known by name; a broken disk must not fill the memory. */
const KNOWN_MAX = 1_000

/** Everything that was found to be unreadable, each told once, until it is written anew. */
export class Disorder {
  readonly #known: Map<string, Unreadable> = new Map()
  readonly #tell: (found: Unreadable) => void

  constructor(tell: (found: Unreadable) => void) {
    this.#tell = tell
  }

  note(found: Unreadable): void {
    const key = keyOf(found)
    if (this.#known.has(key) || this.#known.size >= KNOWN_MAX) return
    this.#known.set(key, found)
    this.#tell(found)
  }

  mended(of: Pick<Unreadable, 'realm' | 'what' | 'name'>): void {
    if (this.#known.size > 0) this.#known.delete(keyOf(of))
  }

  get all(): readonly Unreadable[] {
    return [...this.#known.values()]
  }

  /** Why a realm, as a whole, is out of order. */
  ofRealm(name: string): Unreadable | undefined {
    return this.all.find(({ realm, what }) => realm === name && (what === 'realm' || what === 'log'))
  }
}

function keyOf({ realm, what, name }: Pick<Unreadable, 'realm' | 'what' | 'name'>): string {
  return `${realm}\0${what}\0${name}`
}

/** Why a realm whose record is missing is not made anew: other keys and a log from 1 would bring back what was ended. */
export const GONE = 'its record is gone, and what was written in it is not'

/** What an operator does about a realm that cannot be read. */
export const REALM_ADVICE =
  'nothing is answered in this realm until the store is opened by the version that wrote it, or a backup is restored'

/** What an operator does about it. */
export function adviceOn({ what, name, why }: Unreadable): string {
  switch (what) {
    case 'realm':
    case 'log':
      return `${name}: ${why}; ${REALM_ADVICE}`
    case 'record':
    case 'memo':
    case 'token':
      return `${name}: ${why}; whoever needs it is answered 503 until it is written anew, by the version that wrote it`
  }
}
