import type { TokenRecord } from '@rescind/core'
import { kindOf } from '@rescind/core/tokens'
import { appCredentialOf, PROOF } from '../directory/names.ts'

/** A token for one purpose: every call but those that it was made for refuses it. */
export function isLimited(record: TokenRecord): boolean {
  return kindOf(record) === 'limited'
}

/** One for setting up multi-factor authentication. */
export function isSetupMfa(record: TokenRecord): boolean {
  return record.client === PROOF.setupMfa && isLimited(record)
}

/** A token that stands for a user in one project with some of its roles: of v2.0's authority it has none. */
export function isOfAppCredential({ client }: TokenRecord): boolean {
  return appCredentialOf(client) !== undefined
}

/** Whether a login may rest on a token: on none that is for one purpose, or for one project with some of a user's roles. */
export function isParent(record: TokenRecord): boolean {
  return !isLimited(record) && !isOfAppCredential(record)
}
