import type { Audit } from '@rescind/authority'
import { ContractBroken } from '@rescind/core'
import { decodeRule, type LogRow, type Rule } from '@rescind/core/log'

/** Stands in for text that cannot be read. */
export const UNREADABLE = 'unreadable'

/** The rule of a stored row, or why this version cannot read it: one unreadable row must not fail a whole list. */
export function storedRule(row: Pick<LogRow, 'kind' | 'rule'>): Rule | { readonly unreadable: string } {
  try {
    return decodeRule(row)
  } catch (error) {
    if (!(error instanceof ContractBroken)) throw error
    return { unreadable: error.message }
  }
}

/** The author, address, way and reason of a row, each as it is stored or marked as unreadable. */
export function storedAudit(text: string): Audit {
  const { by, byName, byOwner, from, how, why, note, cause, skewSeconds, once, part } = membersOf(text)
  return {
    by: wordOf(by) ?? UNREADABLE,
    ...(typeof byName === 'string' ? { byName } : {}),
    ...(typeof byOwner === 'string' ? { byOwner } : {}),
    from: wordOf(from) ?? UNREADABLE,
    how: wordOf(how) ?? UNREADABLE,
    ...(why === undefined ? {} : { why: wordOf(why) ?? UNREADABLE }),
    ...(note === undefined ? {} : { note: wordOf(note) ?? UNREADABLE }),
    ...(isCause(cause) ? { cause } : {}),
    ...(typeof skewSeconds === 'number' ? { skewSeconds } : {}),
    ...(typeof once === 'string' ? { once } : {}),
    ...(isPart(part) ? { part } : {}),
  }
}

type Members = { readonly [name in keyof Audit]?: unknown }

function membersOf(text: string): Members {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function isCause(value: unknown): value is NonNullable<Audit['cause']> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return 'code' in value && Object.values(value).every((one) => typeof one === 'string')
}

/** Which part of how many: a request writes one row per target. */
function isPart(value: unknown): value is NonNullable<Audit['part']> {
  if (!Array.isArray(value) || value.length !== 2) return false
  const [nth, of] = value as readonly unknown[]
  return Number.isInteger(nth) && Number.isInteger(of) && Number(nth) >= 1 && Number(nth) <= Number(of)
}
