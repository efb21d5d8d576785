/** Longest scope parameter in characters. */
const SCOPE_MAX = 1_024
/**
 * RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ), joined by single spaces. Extra spaces are ignored, for
 * clients that join lists carelessly.
 */
const SCOPE = /^ *[\x21\x23-\x5b\x5d-\x7e]+(?: +[\x21\x23-\x5b\x5d-\x7e]+)* *$/

/**
 * The scope to grant: the requested one, or everything allowed if none is requested. @returns undefined when the
 * request is malformed or exceeds what is allowed.
 */
export function grantedScope(asked: string | undefined, allowed: readonly string[]): string | undefined {
  if (asked === undefined) return allowed.join(' ')
  if (asked.length > SCOPE_MAX || !SCOPE.test(asked)) return undefined
  const tokens = new Set(asked.split(' ').filter((token) => token !== ''))
  for (const token of tokens) if (!allowed.includes(token)) return undefined
  return [...tokens].join(' ')
}

export function scopeTokens(scope: string | undefined): readonly string[] {
  return scope === undefined || scope === '' ? [] : scope.split(' ')
}
