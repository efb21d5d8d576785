/** Characters of a whole scope; longer ones are refused. */
const SCOPE_MAX = 1_024
/**
 * RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ). Single spaces join them; more, and those at the ends, are
 * passed over, for clients that put lists together carelessly.
 */
const SCOPE = /^ *[\x21\x23-\x5b\x5d-\x7e]+(?: +[\x21\x23-\x5b\x5d-\x7e]+)* *$/

/**
 * The scope to grant: what was asked, or everything allowed when nothing was. @returns undefined when more was asked
 * than is allowed, or what was asked is no scope.
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
