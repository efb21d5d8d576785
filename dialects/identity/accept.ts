import { JSON_TYPE } from '../wire/answer.ts'

/** How closely a media range names JSON; the closest one in a header decides. */
const CLOSENESS: ReadonlyMap<string, number> = new Map([
  ['*/*', 1],
  ['application/*', 2],
  [JSON_TYPE, 3],
])

/**
 * Whether an Accept header admits JSON: the most specific range decides, and `q=0` excludes (RFC 9110
 * §12.5.1).
 */
export function admitsJson(accept: string | undefined): boolean {
  if (accept === undefined || accept.trim() === '') return true
  let closest = 0
  let admits = false
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';')
    const closeness = CLOSENESS.get(type.trim().toLowerCase()) ?? 0
    if (closeness === 0 || closeness < closest) continue
    const wanted = !parameters.some(isZeroWeight)
    admits = closeness > closest ? wanted : admits || wanted
    closest = closeness
  }
  return admits
}

function isZeroWeight(parameter: string): boolean {
  const [name = '', value = ''] = parameter.split('=', 2)
  return name.trim().toLowerCase() === 'q' && Number(value.trim()) === 0
}
