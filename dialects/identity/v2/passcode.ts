import type { Realm } from '@rescind/authority'

/** Seven digits, as the vendor's are. */
const DIGITS = 7
/** The largest multiple of ten that a byte holds: what is above is drawn again. */
const FAIR_BYTES = 250

/** A passcode for a text message. */
export function passcode(realm: Realm): string {
  let code = ''
  while (code.length < DIGITS)
    for (const byte of realm.random.bytes(DIGITS))
      if (byte < FAIR_BYTES && code.length < DIGITS) code += String(byte % 10)
  return code
}
