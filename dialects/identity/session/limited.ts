import type { TokenRecord } from '@rescind/core'
import { kindOf } from '@rescind/core/tokens'
import { appCredentialOf, PROOF } from '../directory/names.ts'

/** A token for one purpose: only the calls that it was made for accept it. */
export function isLimited(record: TokenRecord): boolean {
  return kindOf(record) === 'limited'
}

/** A token for setting up multi-factor authentication. */
export function isSetupMfa(record: TokenRecord): boolean {
  return record.client === PROOF.setupMfa && isLimited(record)
}

/** A token of an application credential acts for a user in one project with some of its roles. It has no v2.0 authority. */
export function isOfAppCredential({ client }: TokenRecord): boolean {
  return appCredentialOf(client) !== undefined
}

/** Whether a login may build on a token: not on a limited one, nor on one of an application credential. */
export function isParent(record: TokenRecord): boolean {
  return !isLimited(record) && !isOfAppCredential(record)
}
