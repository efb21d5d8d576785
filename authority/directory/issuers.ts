import type { Source } from '@rescind/core'
import { type JsonObject, sha256Base64url } from '@rescind/core/bytes'
import type { Target } from '@rescind/core/log'
import {
  type ClaimMap,
  type ForeignIssuer,
  foreignIssuer,
  isForeignSource,
  payloadOf,
  type RawToken,
} from '@rescind/core/tokens'
import type { Collection, Directory, Entry } from './directory.ts'
import { shaped } from './stored-json.ts'

/** A registered issuer in a realm's directory. Its keys are stored here, or fetched from `jwksUrl`. */
export type IssuerValue = ForeignIssuer & {
  readonly enabled: boolean
  readonly jwksUrl?: string
  readonly keys?: readonly JsonObject[]
  /** How long one of its sessions can mint tokens, as its operator states. Absent: unknown. */
  readonly maxSessionSeconds?: number
}

export const ISSUERS: Collection<IssuerValue> = {
  name: 'issuers',
  keys: ({ issuer }) => [{ name: 'issuer', value: issuer }],
  isValue: shaped(
    {
      ...{ issuer: 'text', enabled: 'flag', algorithms: 'texts', claims: 'members' },
      ...{ skewSeconds: 'number', maxLifetimeSeconds: 'number' },
    },
    {
      ...{ jwksUrl: 'text', keys: 'list', audience: 'texts', types: 'texts' },
      ...{ maxSessionSeconds: 'number', withoutIat: 'flag' },
    },
  ),
}

const ID_CHARS = 22

/** The id of an issuer's record; the same for an `iss` in every realm. */
export function issuerId(issuer: string): string {
  return `iss_${sha256Base64url(issuer).slice(0, ID_CHARS)}`
}

/** The issuer behind a source; undefined for one of our own sources, or an issuer that is not registered. */
export async function issuerOfSource(
  directory: Directory,
  source: Source,
): Promise<Entry<IssuerValue> | undefined> {
  return isForeignSource(source) ? directory.get(ISSUERS, issuerId(foreignIssuer(source))) : undefined
}

/** Whether text is a JWS that names a registered issuer, genuine or not: such text cannot be an assigned token. */
export async function isOfRegisteredIssuer(directory: Directory, raw: RawToken): Promise<boolean> {
  const issuer = raw.looksSigned ? payloadOf(raw.reveal())?.iss : undefined
  if (typeof issuer !== 'string') return false
  return (await directory.get(ISSUERS, issuerId(issuer))) !== undefined
}

/**
 * The first attribute that a rule on an issuer's tokens needs but no claim is mapped to: such a rule would silently hit
 * nothing.
 */
export function unmappedIn(target: Target, claims: ClaimMap): keyof ClaimMap | undefined {
  return attributesOf(target).find((name) => claims[name] === undefined)
}

function attributesOf(target: Target): readonly (keyof ClaimMap)[] {
  switch (target.kind) {
    case 'token':
    case 'grant':
    case 'key':
      return []
    case 'foreign':
      // A token without `jti` is known by its signing input, and so named by it.
      return target.jti.startsWith('sha256:') ? [] : ['jti']
    case 'session':
      return ['session']
    case 'cut': {
      const { principals, basis } = target
      const named = (['subject', 'client', 'tenant'] as const).filter(
        (name) => principals[name] !== undefined,
      )
      return basis === undefined ? named : [...named, 'authenticatedAt']
    }
  }
}
