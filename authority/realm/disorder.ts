/** What cannot be read: a realm, its log, or one item in it. The rest is served. */
export type UnreadableKind = 'realm' | 'log' | 'record' | 'memo' | 'token'
export type Unreadable = {
  readonly realm: string
  readonly what: UnreadableKind
  /** Which one; never a secret: a collection and id, a kind of expiring entry, a row's seq. */
  readonly name: string
  /** What is wrong with it. */
  readonly why: string
}

/** Maximum unreadable items kept by name: a broken disk must not fill the memory. */
const KNOWN_MAX = 1_000

/** Everything found unreadable; each is reported once, until it is written again. */
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

  /** Why a whole realm is out of order. */
  ofRealm(name: string): Unreadable | undefined {
    return this.all.find(({ realm, what }) => realm === name && (what === 'realm' || what === 'log'))
  }
}

function keyOf({ realm, what, name }: Pick<Unreadable, 'realm' | 'what' | 'name'>): string {
  return `${realm}\0${what}\0${name}`
}

/** Why a realm whose record is missing is not created again: new keys and an empty log would revive what was revoked. */
export const GONE = 'its record is gone, although the realm was in use'

/** What to do about a realm that cannot be read. */
export const REALM_ADVICE =
  'the realm answers nothing until you open the store with the version that wrote it, or restore a backup'

/** What is wrong with it, and what to do. */
export function adviceOn({ what, name, why }: Unreadable): string {
  switch (what) {
    case 'realm':
    case 'log':
      return `${name}: ${why}; ${REALM_ADVICE}`
    case 'record':
    case 'memo':
    case 'token':
      return `${name}: ${why}; requests that need it get 503 until the version that wrote it writes it again`
  }
}
