import type { Call } from '../frame/call.ts'

/** What a command line names, as it was given. */
export type Given = {
  readonly token: boolean
  readonly handle?: string | undefined
  readonly grant?: string | undefined
  readonly sources: readonly string[]
  readonly subject?: string | undefined
  readonly client?: string | undefined
  readonly tenant?: string | undefined
  readonly session?: string | undefined
  readonly issuer?: string | undefined
  readonly jti?: string | undefined
  readonly key?: string | undefined
  readonly wholeRealm: boolean
  readonly issuedBefore?: string | undefined
  readonly basis?: string | undefined
  readonly keepCredentials: boolean
}

/** Flags whose value is a name, under which a token would be a mistake. */
export const NAME_FLAGS: readonly string[] = [
  ...['handle', 'grant', 'subject', 'client', 'tenant', 'session', 'issuer', 'jti', 'signing-key'],
  ...['source', 'reason', 'note'],
]

/** @param word the positional TARGET, which is a handle, a grant or `-`. */
export function givenIn(call: Call, word: string | undefined = call.positional(0)): Given {
  const sources = call.texts('source').flatMap((text) => text.split(','))
  return {
    token: call.text('token') !== undefined || word === '-',
    handle: call.text('handle') ?? (word?.startsWith('tok_') === true ? word : undefined),
    grant: call.text('grant') ?? (word?.startsWith('grt_') === true ? word : undefined),
    sources: [...new Set(sources)],
    ...{ subject: call.text('subject'), client: call.text('client'), tenant: call.text('tenant') },
    ...{ session: call.text('session'), issuer: call.text('issuer'), jti: call.text('jti') },
    key: call.text('signing-key'),
    wholeRealm: call.isOn('whole-realm'),
    ...{ issuedBefore: call.text('issued-before'), basis: call.text('basis') },
    keepCredentials: call.isOn('keep-credentials'),
  }
}
