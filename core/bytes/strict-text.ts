const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @returns undefined when the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  if (isPlain(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  try {
    return strictUtf8.decode(bytes)
  } catch {
    // The decoder throws for broken input; here that is an answer.
    return undefined
  }
}

/** Short ASCII, as nearly every form is: the loop costs less than a decoder. */
function isPlain(bytes: Uint8Array): boolean {
  if (bytes.length > PLAIN_MAX_BYTES) return false
  for (let at = 0; at < bytes.length; at += 1) if ((bytes[at] as number) > 0x7f) return false
  return true
}

const PLAIN_MAX_BYTES = 512

/**
 * Drops a leading byte order mark, which senders of JSON must not write and readers may ignore (RFC 8259 §8.1). For texts
 * that arrive whole; the parts of a JWS have none.
 */
export function withoutBom(bytes: Uint8Array): Uint8Array {
  const isMarked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return isMarked ? bytes.subarray(3) : bytes
}
