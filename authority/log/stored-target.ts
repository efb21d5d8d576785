import { CUTOFF_SHAPES, type EXACT_CODE } from '@rescind/core/log'
import { isMembers, shaped } from '../directory/stored-json.ts'

const SHAPES: Readonly<Record<string, (value: { readonly [name: string]: unknown }) => boolean>> = {
  token: shaped({ source: 'text', digest: 'text', handle: 'text' }),
  foreign: shaped({ issuer: 'text', jti: 'text' }),
  grant: shaped({ source: 'text', grant: 'text' }),
  session: shaped({ source: 'text', session: 'text' }),
  key: shaped({ keyId: 'text' }),
  cut: shaped(
    { shape: CUTOFF_SHAPES, principals: 'members' },
    { issuedBeforeMs: 'number', basis: ['authenticated'], asOf: 'members' },
  ),
} satisfies Readonly<Record<keyof typeof EXACT_CODE | 'cut', unknown>>

const isPrincipals = shaped({ source: 'text' }, { subject: 'text', client: 'text', tenant: 'text' })

/** Whether stored JSON is a valid target of a known kind: a hold or a schedule makes a rule from it. */
export function isStoredTarget(value: unknown): boolean {
  if (!isMembers(value) || typeof value['kind'] !== 'string' || !Object.hasOwn(SHAPES, value['kind']))
    return false
  if (SHAPES[value['kind']]?.(value) !== true) return false
  return value['kind'] !== 'cut' || (isMembers(value['principals']) && isPrincipals(value['principals']))
}
