import type { Realm } from '@rescind/authority'

/** Seven digits, as at the vendor. */
const DIGITS = 7
/** The largest multiple of ten in a byte; larger bytes are skipped, to keep digits uniform. */
const FAIR_BYTES = 250

/** A passcode for a text message. */
export function passcode(realm: Realm): string {
  let code = ''
  while (code.length < DIGITS)
    for (const byte of realm.random.bytes(DIGITS))
      if (byte < FAIR_BYTES && code.length < DIGITS) code += String(byte % 10)
  return code
}
