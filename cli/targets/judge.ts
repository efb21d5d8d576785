import { isForeignSource } from '@rescind/core/tokens'
import type { Given } from './given.ts'

/** Why a combination names nothing that can be revoked, and which one does. */
export type Refusal = readonly [what: string, next: string]

const EXACT = [
  ['token', '--token'],
  ['handle', '--handle'],
  ['grant', '--grant'],
  ['jti', '--jti'],
  ['session', '--session'],
  ['key', '--signing-key'],
  ['wholeRealm', '--whole-realm'],
] as const
const PRINCIPALS = ['subject', 'client', 'tenant'] as const
/** They stand for themselves. */
const BARE = new Set<string>(['--token', '--handle', '--whole-realm'])
/** Sources of one rule, as the server counts them. */
const SOURCES_MAX = 16

const HANDLE = /^tok_[\w-]{21}[AQgw]$/
const THUMBPRINT = /^[\w-]{43}$/

/** Judges the flags of a target before anything is sent, by the rules of the server. @returns undefined when they name one. */
export function refusalOf(given: Given): Refusal | undefined {
  const exact = EXACT.filter(([name]) => given[name] !== undefined && given[name] !== false).map(
    ([, flag]) => flag,
  )
  const principals = PRINCIPALS.filter((name) => given[name] !== undefined).map((name) => `--${name}`)
  const [one, other] = exact
  if (other !== undefined) return [`${one} and ${other} are two targets`, 'give one of them']
  if (given.sources.length > 0 && given.issuer !== undefined)
    return [
      '--source and --issuer both say whose names these are',
      'give one; an issuer is also --source iss:URL',
    ]
  if (given.sources.length > SOURCES_MAX)
    return [`one rule names at most ${SOURCES_MAX} sources`, 'split it into several']
  if (given.sources.includes('')) return ['--source is empty', 'name one: oauth, identity, chat/APP, iss:URL']
  if (one === undefined) return ofPrincipals(given, principals) ?? ofLimits(given, true)
  if (principals.length > 0)
    return [`${one} stands for itself, without ${principals.join(', ')}`, `give ${one} alone`]
  return ofExact(given, one) ?? ofLimits(given, one === '--whole-realm')
}

function ofPrincipals(given: Given, principals: readonly string[]): Refusal | undefined {
  const hasSource = given.sources.length > 0 || given.issuer !== undefined
  if (!hasSource && principals.length === 0)
    return [
      'nothing is named to act on',
      'give - for the text of a token, tok_…, --source with --subject, or see --help',
    ]
  if (!hasSource)
    return [
      `${principals.join(', ')}: the same name is of several sources`,
      `say which: --source oauth ${principals[0]} NAME (rescind find NAME lists them)`,
    ]
  if (principals.length > 2)
    return [`${principals.join(' ')} are no shape of a rule`, 'name at most two of them']
  return undefined
}

function ofExact(given: Given, one: string): Refusal | undefined {
  const { handle, sources, issuer, grant, key, jti } = given
  const hasSource = sources.length > 0 || issuer !== undefined
  if (BARE.has(one) && hasSource) return [`${one} stands for itself, without a source`, `give ${one} alone`]
  if (handle !== undefined && !HANDLE.test(handle))
    return handle.startsWith('grt_')
      ? ['--handle names a token, and this is a grant', 'give --grant']
      : ['--handle: this is no handle', 'a handle is tok_ and 22 characters; for the text of a token give -']
  if (grant?.startsWith('tok_') === true)
    return ['--grant names a grant, and this is the handle of a token', 'give --handle']
  if (grant !== undefined && (issuer !== undefined || sources.some(isForeignSource)))
    return ['tokens of issuers have no grants', 'give --issuer URL --jti JTI, or --issuer URL --subject NAME']
  if (key !== undefined && !THUMBPRINT.test(key))
    return ['--signing-key: this is no thumbprint', 'it has 43 characters (RFC 7638)']
  if (given.session !== undefined && !hasSource)
    return ['--session: a login is of a source', 'say which: --source identity --session ID']
  if (jti !== undefined && (!hasSource || !sources.every(isForeignSource)))
    return [
      '--jti names a token of a registered issuer',
      'give --issuer URL --jti JTI; tokens of this server have handles: --handle tok_…',
    ]
  return undefined
}

function ofLimits(given: Given, isCutoff: boolean): Refusal | undefined {
  const { issuedBefore, basis, keepCredentials, sources, issuer, subject, client } = given
  if (issuedBefore !== undefined && !isCutoff)
    return ['--issued-before is of principals', 'give it with --source, or --whole-realm']
  const isForeign =
    isCutoff && (issuer !== undefined || (sources.length > 0 && sources.every(isForeignSource)))
  if (basis !== undefined && !(isForeign && (subject ?? client) !== undefined))
    return [
      '--basis is of subjects and clients of registered issuers',
      'give it with --issuer URL --subject NAME',
    ]
  if (keepCredentials && !(sources.includes('identity') && subject !== undefined && isCutoff))
    return [
      '--keep-credentials is of Identity subjects, whose credentials would end',
      'give it with --source identity --subject ID',
    ]
  return undefined
}
