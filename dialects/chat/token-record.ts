import { type Realm, unsealTokenText } from '@rescind/authority'
import { ContractBroken, type Handle, type TokenRecord } from '@rescind/core'
import { formatInstant } from '@rescind/core/bytes'
import type { RawToken } from '@rescind/core/tokens'

/** A token as in the seed: exactly these five members, in this order. */
export type WireTokenRecord = {
  readonly token: string
  readonly updatedAt: string
  readonly expirationDate: string
  readonly createdAt: string
  readonly expirationDateMS: number
}

export function wireTokenRecord(record: TokenRecord, raw: RawToken): WireTokenRecord {
  const { issuedAtMs, extendedAtMs, expiresAtMs } = record
  return {
    token: raw.reveal(),
    updatedAt: formatInstant(extendedAtMs ?? issuedAtMs),
    expirationDate: formatInstant(expiresAtMs),
    createdAt: formatInstant(issuedAtMs),
    expirationDateMS: expiresAtMs,
  }
}

/** The text of a token. Every token of this dialect keeps it sealed, because revoking answers with it. */
export function unsealed(realm: Realm, record: TokenRecord): RawToken {
  const raw = unsealTokenText(realm.keys, realm.name, record)
  if (raw === undefined) throw new ContractBroken(`the text of ${record.handle} cannot be unsealed`)
  return raw
}

/** A token in an answer to the caller that it was made for. */
export type GivenToken = { readonly text: string; readonly handle: Handle; readonly expiresAtMs: number }

/** The token's id. Event streams use it instead of the token's text. */
export function tokenIdHeader(handle: Handle): Readonly<Record<string, string>> {
  return { 'im-token-id': handle }
}
