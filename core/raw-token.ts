import { sha256Base64url } from './crypto.ts'
import { type TokenDigest, tokenDigest } from './ids.ts'

/** Bytes of the longest token text that is looked at. Our own are 40; the longest JWTs in use stay below 8 KB. */
export const TOKEN_MAX_BYTES = 8_192

/**
 * The text of a token, alive only while one request is answered. It cannot be printed, logged, serialised or used as
 * a key by accident: every such path goes through `reveal`, which is easy to find and to review.
 */
export class RawToken {
  readonly #text: string

  private constructor(text: string) {
    this.#text = text
  }

  /**
   * @returns undefined for text that can be no token: empty, longer than TOKEN_MAX_BYTES, holding NUL, or not
   * well-formed Unicode (lone surrogates would be hashed alike).
   */
  static parse(text: string): RawToken | undefined {
    if (text.length === 0 || text.length > TOKEN_MAX_BYTES) return undefined
    if (!text.isWellFormed() || text.includes('\0')) return undefined
    // A character is at most three bytes of UTF-8 per UTF-16 unit, so short text needs no counting.
    if (text.length * 3 > TOKEN_MAX_BYTES && Buffer.byteLength(text) > TOKEN_MAX_BYTES) return undefined
    return new RawToken(text)
  }

  /** SHA-256(realm digest key ‖ the exact bytes). The key is ASCII text, so one string hash serves. */
  digest(digestKey: string): TokenDigest {
    return tokenDigest(sha256Base64url(digestKey + this.#text))
  }

  /** Whether it could be a JWS: the header of every one is a JSON object, and so begins with these characters. */
  get looksSigned(): boolean {
    return this.#text.startsWith('eyJ')
  }

  reveal(): string {
    return this.#text
  }
}
