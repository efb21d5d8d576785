import type { Minting, Realm } from '@rescind/authority'
import type { Source } from '@rescind/core'
import type { Target } from '@rescind/core/log'
import type { TokenKind } from '@rescind/core/tokens'

/** One family of sources that a dialect mints under. */
export type SourceShape = {
  /** As documents write it: `oauth`, or `chat/{app}` for one source per app. */
  readonly form: string
  /** Whether a realm has the source of this name, whether or not its record can be read. Absent: every name. */
  readonly exists?: (realm: Realm, name: string) => Promise<boolean>
  /** A login makes several tokens, which share a grant. */
  readonly hasGrants?: true
  /** Absent: every token is recorded here. */
  readonly unseen?: Unseen
}

/** Tokens that another issuer vouches for; some may be unknown here. */
type Unseen = {
  /** Their description for people. */
  readonly what: string
  /** Whether such tokens may exist under this name; undefined: under any name in the realm. */
  readonly mayBe: (realm: Realm, name: string | undefined) => Promise<boolean>
}

/** The part of a dialect that tells where its tokens come from. */
export type SourceOwner = {
  readonly sources: readonly SourceShape[]
  readonly tokenKinds: readonly TokenKind[]
  readonly prefixes: readonly string[]
}

type Owned = {
  readonly shape: SourceShape
  readonly isNamed: boolean
  readonly kinds: ReadonlySet<TokenKind>
}

/** Every source of this server's own tokens; sources of registered issuers, `iss:{issuer}`, are not among them. */
export class Sources {
  readonly #owned: ReadonlyMap<string, Owned>
  readonly minting: Minting

  constructor(owners: readonly SourceOwner[]) {
    const owned = owners.flatMap(({ sources, tokenKinds }) => {
      const kinds = new Set(tokenKinds)
      return sources.map((shape) => {
        const [family = '', name] = shape.form.split('/')
        return [family, { shape, kinds, isNamed: name !== undefined }] as const
      })
    })
    this.#owned = new Map(owned)
    this.minting = {
      mints: (source, kind) => this.#of(source)?.kinds.has(kind) === true,
      prefixes: owners.flatMap(({ prefixes }) => prefixes),
    }
  }

  /** How sources are written: single sources first, then families of sources. */
  get forms(): readonly string[] {
    const all = [...this.#owned.values()]
    const single = all.filter(({ isNamed }) => !isNamed)
    return [...single, ...all.filter(({ isNamed }) => isNamed)].map(({ shape }) => shape.form)
  }

  /** Sources whose grants can have more than one token. */
  get withGrants(): readonly Source[] {
    return [...this.#owned]
      .filter(([, { shape }]) => shape.hasGrants === true)
      .map(([family]) => family)
      .sort()
  }

  async exist(realm: Realm, source: Source): Promise<boolean> {
    const found = this.#of(source)
    if (found === undefined) return false
    return (await found.shape.exists?.(realm, nameIn(source))) ?? true
  }

  /** Descriptions of unseen tokens that a target may cover, by the dialects' own sources. */
  async unseen(realm: Realm, target: Target): Promise<readonly string[]> {
    if (target.kind === 'cut' && target.shape === 'realm') {
      const all = await Promise.all([...this.#owned.values()].map(({ shape }) => unseenOf(realm, shape)))
      return all.flat()
    }
    const source = target.kind === 'cut' ? target.principals.source : 'source' in target ? target.source : ''
    const found = this.#of(source)
    return found === undefined ? [] : unseenOf(realm, found.shape, nameIn(source))
  }

  #of(source: Source): Owned | undefined {
    const slash = source.indexOf('/')
    const found = this.#owned.get(slash < 0 ? source : source.slice(0, slash))
    return found?.isNamed === slash >= 0 ? found : undefined
  }
}

function nameIn(source: Source): string {
  return source.slice(source.indexOf('/') + 1)
}

async function unseenOf(realm: Realm, { unseen }: SourceShape, name?: string): Promise<readonly string[]> {
  return unseen !== undefined && (await unseen.mayBe(realm, name)) ? [unseen.what] : []
}
