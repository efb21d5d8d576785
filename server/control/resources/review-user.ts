import { foreignIssuer, foreignSource, isForeignSource } from '@rescind/core/tokens'
import type { Bearer } from '../../gateway/judge.ts'

/** The user of a token, in the form that a Kubernetes API server expects. */
export type ReviewUser = {
  readonly username: string
  readonly uid: string
  readonly groups: string[]
  readonly extra: Record<string, string[]>
}

/** The group that all users of one source belong to. */
const EVERYBODY = 'authenticated'

/**
 * Prefixes every name with the source that vouches for it: `{source}:{subject}`, `{source}:{group}`. An issuer can
 * therefore name neither one of the cluster's own users (`system:…`) nor a user of another source.
 * @returns undefined for a token without a subject, or with one that is not unambiguous.
 */
export function reviewUser(bearer: Bearer): ReviewUser | undefined {
  const { source, subject } = bearer
  // A client is not a subject: otherwise a client with a person's name would be that person.
  if (subject === undefined || subject === '') return undefined
  if (looksLikeScheme(source, subject)) return undefined
  const prefix = prefixOf(source)
  const username = `${prefix}:${subject}`
  return { username, uid: username, groups: [`${prefix}:${EVERYBODY}`], extra: extraOf(bearer) }
}

const SCHEME = /^[^:/]+:\/\//

/**
 * A source as the beginning of a name. A colon ends it, so colons inside it are percent-encoded, except after `iss` and
 * after the scheme of a URL. The subject `443:root` of `https://a` is therefore not the subject `root` of
 * `https://a:443`.
 */
function prefixOf(source: string): string {
  if (!isForeignSource(source)) return encoded(source)
  const issuer = foreignIssuer(source)
  const [scheme = ''] = SCHEME.exec(issuer) ?? []
  return foreignSource(scheme + encoded(issuer.slice(scheme.length)))
}

function encoded(text: string): string {
  return text.replaceAll('%', '%25').replaceAll(':', '%3A')
}

/** With an issuer that is no URL, a subject `//a:b` would make the whole name look like the URL of another issuer. */
function looksLikeScheme(source: string, subject: string): boolean {
  return subject.startsWith('//') && isForeignSource(source) && !SCHEME.test(foreignIssuer(source))
}

function extraOf({ scopes, client, tenant, handle }: Bearer): ReviewUser['extra'] {
  return {
    ...(scopes.length > 0 && { 'rescind/scope': [...scopes] }),
    ...(client !== undefined && { 'rescind/client': [client] }),
    ...(tenant !== undefined && { 'rescind/tenant': [tenant] }),
    ...(handle !== undefined && { 'rescind/handle': [handle] }),
  }
}
