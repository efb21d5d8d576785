import type { CutoffShape } from '@rescind/core/log'
import { foreignSource } from '@rescind/core/tokens'
import type { TargetBody } from './target-schema.ts'

type Named = { readonly [name in 'subject' | 'client' | 'tenant']?: string }

/** A target, sorted by what it names; its sources are still as given. */
export type Classified =
  | { readonly kind: 'token'; readonly text: string }
  | { readonly kind: 'handle'; readonly handle: string }
  | { readonly kind: 'foreign'; readonly sources: readonly string[]; readonly jti: string }
  | { readonly kind: 'grant'; readonly sources: readonly string[]; readonly grant: string }
  | { readonly kind: 'session'; readonly sources: readonly string[]; readonly session: string }
  | { readonly kind: 'key'; readonly sources: readonly string[]; readonly key: string }
  | {
      readonly kind: 'cut'
      readonly shape: CutoffShape
      readonly sources: readonly string[]
      readonly named: Named
      /** For the shape `realm`: the given name, to compare with the realm's. */
      readonly realm?: string
    }

type Refused = { readonly kind: 'refused'; readonly why: string }

const SHAPES: Readonly<Record<string, CutoffShape>> = {
  '': 'source',
  tenant: 'tenant',
  subject: 'subject',
  client: 'client',
  'subject+client': 'subject+client',
  'subject+tenant': 'subject+tenant',
  'client+tenant': 'tenant+client',
}

const PRINCIPALS = ['subject', 'client', 'tenant'] as const
const EXACT = ['token', 'handle', 'jti', 'grant', 'session', 'key', 'realm'] as const

/** Sorts a target into its form: an exact one, or one of the closed list of shapes of principals. */
export function classify(target: TargetBody): Classified | Refused {
  const exact = EXACT.filter((name) => target[name] !== undefined)
  const principals = PRINCIPALS.filter((name) => target[name] !== undefined)
  const [one] = exact
  if (exact.length > 1) return refused(`target: either ${exact.join(' or ')}`)
  if (one !== undefined && principals.length > 0)
    return refused(`target: ${one} stands for itself, without ${principals.join(', ')}`)
  const sources = sourcesOf(target)
  if (sources === undefined) return refused('target: either source or issuer')
  if (one === undefined) return cutoffOf(target, principals, sources)
  const bare = one === 'token' || one === 'handle' || one === 'realm'
  if (bare && sources.length > 0) return refused(`target: ${one} stands for itself, without a source`)
  switch (one) {
    case 'token':
      return { kind: 'token', text: target.token ?? '' }
    case 'handle':
      return { kind: 'handle', handle: target.handle ?? '' }
    case 'realm': {
      const { realm } = target
      const name = typeof realm === 'string' ? { realm } : {}
      return { kind: 'cut', shape: 'realm', sources: [''], named: {}, ...name }
    }
    case 'grant':
      return { kind: 'grant', sources, grant: target.grant ?? '' }
    case 'key':
      return { kind: 'key', sources, key: target.key ?? '' }
    case 'session':
      if (sources.length === 0) return refused('target: a session needs the source that it is of')
      return { kind: 'session', sources, session: target.session ?? '' }
    case 'jti':
      if (sources.length === 0) return refused('target: a jti needs its issuer')
      return { kind: 'foreign', sources, jti: target.jti ?? '' }
  }
}

function cutoffOf(
  target: TargetBody,
  principals: readonly (typeof PRINCIPALS)[number][],
  sources: readonly string[],
): Classified | Refused {
  if (sources.length === 0) {
    return refused(
      principals.length === 0
        ? 'target: empty'
        : `target: ${principals.join(', ')} needs the source that it is of`,
    )
  }
  const shape = SHAPES[principals.join('+')]
  if (shape === undefined) return refused(`target: ${principals.join(' + ')} is no shape of a rule`)
  const named = Object.fromEntries(principals.map((name) => [name, target[name]])) as Named
  return { kind: 'cut', shape, sources, named }
}

/** Each source once, in alphabetical order; undefined when the two ways to name sources are mixed. */
function sourcesOf({ source, issuer }: TargetBody): readonly string[] | undefined {
  if (issuer !== undefined) return source === undefined ? [foreignSource(issuer)] : undefined
  if (source === undefined) return []
  return [...new Set(typeof source === 'string' ? [source] : source)].sort()
}

function refused(why: string): Refused {
  return { kind: 'refused', why }
}
