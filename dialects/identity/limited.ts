import type { TokenRecord } from '@rescind/core'
import { appCredentialClient, PROOF } from './directory/names.ts'

/** A token for setting up multi-factor authentication: everything else refuses it. */
export function isSetupMfa({ client }: TokenRecord): boolean {
  return client === PROOF.setupMfa
}

/** Whether nothing may be made from a token: it is for one purpose, or for one project with some of a user's roles. */
export function isLimited(record: TokenRecord): boolean {
  return isSetupMfa(record) || record.client?.startsWith(appCredentialClient('')) === true
}
