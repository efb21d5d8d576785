import { sextetsAt, sha256Base64url } from '@rescind/core/bytes'
import type { Target } from '@rescind/core/log'
import { foreignSource } from '@rescind/core/tokens'
import type { Written } from './receipt.ts'

/** The members that revocations can be searched by. */
export const FILTERS = [
  'source',
  'subject',
  'client',
  'tenant',
  'grant',
  'session',
  'handle',
  'jti',
  'key',
  'by',
  'reason',
  /** The id of the hold, schedule or approval that it came from. */
  'cause',
  /** The Idempotency-Key of its request, hashed with its caller. */
  'once',
] as const

export type FilterName = (typeof FILTERS)[number]
export type Filters = { readonly [name in FilterName]?: string | undefined }

/** The names and values by which a revocation is found. */
export function namesOf({ rules, audit }: Pick<Written, 'rules' | 'audit'>): readonly [FilterName, string][] {
  const names: [FilterName, string][] = [['by', audit.by]]
  if (audit.byName !== undefined) names.push(['by', audit.byName])
  if (audit.why !== undefined) names.push(['reason', audit.why])
  if (audit.once !== undefined) names.push(['once', audit.once])
  for (const [name, value] of Object.entries(audit.cause ?? {}))
    if (name !== 'code') names.push(['cause', value])
  for (const [nth, { target }] of rules.entries()) {
    // The targets of one request differ only by their source.
    for (const one of targetNames(target)) if (nth === 0 || one[0] === 'source') names.push(one)
  }
  return names
}

function targetNames(target: Target): readonly [FilterName, string][] {
  switch (target.kind) {
    case 'token':
      return [
        ['source', target.source],
        ['handle', target.handle],
      ]
    case 'foreign':
      return [
        ['source', foreignSource(target.issuer)],
        ['jti', target.jti],
      ]
    case 'grant':
      return [
        ['source', target.source],
        ['grant', target.grant],
      ]
    case 'session':
      return [
        ['source', target.source],
        ['session', target.session],
      ]
    case 'key':
      return [['key', target.keyId]]
    case 'cut': {
      const { source, subject, client, tenant } = target.principals
      const names: [FilterName, string][] = source === '' ? [] : [['source', source]]
      if (subject !== undefined) names.push(['subject', subject])
      if (client !== undefined) names.push(['client', client])
      if (tenant !== undefined) names.push(['tenant', tenant])
      return names
    }
  }
}

export function matches(written: Pick<Written, 'rules' | 'audit'>, filters: Filters): boolean {
  const names = namesOf(written)
  return FILTERS.every((name) => {
    const wanted = filters[name]
    return wanted === undefined || names.some(([own, value]) => own === name && value === wanted)
  })
}

/** The 32 bits of a name and value that the index keeps. The row itself resolves collisions. */
export function filterHash(name: FilterName, value: string): number {
  const text = sha256Base64url(`${name}\0${value}`)
  return ((sextetsAt(text, 0, 5) << 2) | (sextetsAt(text, 5, 1) >>> 4)) >>> 0
}
