import { parseFormText } from '../wire/form.ts'
import type { WireRequest } from '../wire/request.ts'
import { type Refused, refused } from './envelope.ts'

export type Query = { readonly kind: 'query'; readonly values: ReadonlyMap<string, string> }

/** The parameters of a query. Repeated and unknown ones are refused. */
export function readQuery({ query }: WireRequest, known: readonly string[]): Query | Refused {
  const form = parseFormText(query ?? '')
  if (form.kind !== 'form')
    return refused('INVALID_REQUEST', 'The query is malformed, or names a parameter twice.')
  for (const name of form.values.keys()) {
    if (!known.includes(name))
      return refused(
        'INVALID_REQUEST',
        `The query may hold nothing but ${known.join(', ') || '(no parameters)'}.`,
      )
  }
  return { kind: 'query', values: form.values }
}

export type Range = { readonly min: number; readonly max: number; readonly usual: number }

/** A whole number without sign or leading zeros; `usual` when absent. @returns undefined for anything else. */
export function wholeNumber(text: string | undefined, { min, max, usual }: Range): number | undefined {
  if (text === undefined) return usual
  const value = /^(?:0|[1-9]\d{0,8})$/.test(text) ? Number(text) : Number.NaN
  return value >= min && value <= max ? value : undefined
}
