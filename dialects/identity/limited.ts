import type { TokenRecord } from '@rescind/core'
import { appCredentialOf, PROOF } from './directory/names.ts'

/** A token for setting up multi-factor authentication: everything else refuses it. */
export function isSetupMfa({ client }: TokenRecord): boolean {
  return client === PROOF.setupMfa
}

/** A token that stands for a user in one project with some of its roles: of v2.0's authority it has none. */
export function isOfAppCredential({ client }: TokenRecord): boolean {
  return appCredentialOf(client) !== undefined
}

/** Whether nothing may be made from a token: it is for one purpose, or for one project with some of a user's roles. */
export function isLimited(record: TokenRecord): boolean {
  return isSetupMfa(record) || isOfAppCredential(record)
}
