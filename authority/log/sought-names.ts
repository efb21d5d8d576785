import { beginnerOf, type Source, type TokenIds, unreachable } from '@rescind/core'
import type { CutoffTarget, Target } from '@rescind/core/log'
import { foreignSource } from '@rescind/core/tokens'
import { NAMES_UNKNOWN, type SoughtNames, type TokenName, tokenName } from './token-names.ts'

/**
 * Every token that these targets cover bears what is returned, itself or through an ancestor; others may bear it, too.
 * Undefined when one of them covers tokens by what is no name: a source, the realm, a key.
 */
export function namesOfTargets(targets: readonly Target[]): SoughtNames | undefined {
  const each = targets.map(namesOfTarget)
  const known = each.filter((one) => one !== undefined)
  if (known.length < each.length) return undefined
  return {
    anyOf: [[NAMES_UNKNOWN], ...known.flatMap(({ anyOf }) => anyOf)],
    handles: known.flatMap(({ handles }) => handles),
  }
}

function namesOfTarget(target: Target): SoughtNames | undefined {
  switch (target.kind) {
    case 'cut':
      return namesOfCutoff(target)
    case 'token':
      return { anyOf: [[tokenName('handle', target.source, target.handle)]], handles: [target.handle] }
    case 'foreign':
      return { anyOf: [[tokenName('jti', foreignSource(target.issuer), target.jti)]], handles: [] }
    case 'grant':
      return {
        anyOf: [[tokenName('grant', target.source, target.grant)]],
        handles: [beginnerOf(target.grant)],
      }
    case 'session':
      return { anyOf: [[tokenName('session', target.source, target.session)]], handles: [] }
    case 'key':
      return undefined
    default:
      return unreachable(target)
  }
}

function namesOfCutoff({ shape, principals }: CutoffTarget): SoughtNames | undefined {
  const { source, ...ids } = principals
  const all = (...names: readonly PrincipalName[]): SoughtNames => {
    const set = names.flatMap((what) => nameIn(source, what, ids[what]))
    // A cutoff that lacks what its shape names hits nothing.
    return { anyOf: set.length === names.length ? [set] : [], handles: [] }
  }
  switch (shape) {
    case 'realm':
    case 'source':
      return undefined
    case 'tenant':
    case 'subject':
    case 'client':
      return all(shape)
    case 'subject+client':
      return all('subject', 'client')
    case 'subject+tenant':
      return all('subject', 'tenant')
    case 'tenant+client':
      return all('tenant', 'client')
    default:
      return unreachable(shape)
  }
}

/**
 * Tokens with all of these ids bear what is returned for the sources that they may have. Undefined when none of the ids is a
 * name.
 */
export function namesOfIds(sources: readonly Source[], ids: TokenIds): SoughtNames | undefined {
  const { grant, session } = ids
  const isNamed = session !== undefined || PRINCIPAL_NAMES.some((what) => ids[what] !== undefined)
  if (isNamed)
    return {
      anyOf: sources.map((source) => [
        ...PRINCIPAL_NAMES.flatMap((what) => nameIn(source, what, ids[what])),
        ...(session === undefined ? [] : [tokenName('session', source, session)]),
      ]),
      handles: [],
    }
  if (grant === undefined) return undefined
  return {
    anyOf: sources.map((source) => [tokenName('grant', source, grant)]),
    handles: [beginnerOf(grant)],
  }
}

const PRINCIPAL_NAMES = ['subject', 'client', 'tenant'] as const
type PrincipalName = (typeof PRINCIPAL_NAMES)[number]

function nameIn(source: Source, what: PrincipalName, value: string | undefined): readonly TokenName[] {
  return value === undefined ? [] : [tokenName(what, source, value)]
}
