import { sha256Base64url } from '../crypto/digests.ts'
import { parseHandle, type TokenDigest, tokenDigest } from '../ids.ts'
import { type JoseForm, joseForm, nameOfSigned, payloadOf, twinOfSigned } from './jose-text.ts'

/** Longest token text in bytes; our own have 40. */
export const TOKEN_MAX_BYTES = 8_192
/** Longest JWS in characters: those of some providers list every group of a person. */
export const JWS_MAX_CHARS = 16_384

export type TextRefused =
  | 'empty'
  | 'too-long'
  /** It holds NUL or lone surrogates, all of which would be hashed alike. */
  | 'no-text'
  /** A JWS or JWE not spelled as RFC 7515 §7.1 and RFC 7516 §7.1 say: possibly another spelling of another token. */
  | 'not-canonical'

/**
 * The text of a token, alive only while one request is answered. It cannot be printed, logged, serialised or used as a key
 * by accident: it leaves only through `reveal`, which is easy to find and to review.
 */
export class RawToken {
  readonly #text: string
  readonly #form: JoseForm
  #digested: { readonly key: string; readonly digest: TokenDigest } | undefined

  private constructor(text: string, form: JoseForm) {
    this.#text = text
    this.#form = form
  }

  /** @returns undefined for text that cannot be a token; `refusalOf` says why. */
  static parse(text: string): RawToken | undefined {
    if (unreadable(text) !== undefined) return undefined
    const form = joseForm(text)
    return formRefused(text, form) === undefined ? new RawToken(text, form) : undefined
  }

  /** Wraps text that was stored under earlier rules; for display, not for judging. */
  static kept(text: string): RawToken {
    return new RawToken(text, 'opaque')
  }

  /**
   * The digest of the exact bytes, without parsing: finds a token that was parsed and judged before.
   * @returns undefined for text that has none.
   */
  static digestOf(text: string, digestKey: string): TokenDigest | undefined {
    return unreadable(text) === undefined ? tokenDigest(sha256Base64url(digestKey + text)) : undefined
  }

  static refusalOf(text: string): TextRefused | undefined {
    return unreadable(text) ?? formRefused(text, joseForm(text))
  }

  /** SHA-256(realm digest key ‖ the exact bytes). The key is ASCII text, so one string hash serves. */
  digest(digestKey: string): TokenDigest {
    // A request asks for it more than once: to find the token, and to see whether it is spent.
    if (this.#digested?.key !== digestKey)
      this.#digested = { key: digestKey, digest: tokenDigest(sha256Base64url(digestKey + this.#text)) }
    return this.#digested.digest
  }

  /**
   * The digest in its record and in rules on it. A JWS has as many texts as there are valid signatures, so it is known by
   * issuer and `jti`, or by what was signed (model §2.4): enough to end it, never enough to let it in. A JWE is known by
   * everything but its tag, because lenient readers compare only part of that. All other text, including JWTs minted here,
   * is known by its exact bytes. Token text holds no NUL, so no text has such a digest.
   */
  knownBy(digestKey: string): TokenDigest {
    if (!this.isKnownByName) return this.digest(digestKey)
    const name = nameOfSigned(this.#text)
    const known =
      name.kind === 'pair' ? `iss:${name.issuer.length}:${name.issuer}${name.jti}` : `jws:${name.input}`
    return tokenDigest(sha256Base64url(`${digestKey}\0${known}`))
  }

  /** The digest of the same JWS with its other ECDSA signature. Rules from before a JWS had a name know it by its bytes. */
  twinDigest(digestKey: string): TokenDigest | undefined {
    const twin = this.isKnownByName && this.#form === 'signed' ? twinOfSigned(this.#text) : undefined
    return twin === undefined ? undefined : RawToken.digestOf(twin, digestKey)
  }

  /** Whether `knownBy` differs from the digest of its bytes. */
  get isKnownByName(): boolean {
    return this.#form !== 'opaque' && !this.looksMinted
  }

  /** Whether it has the structure of a JWS (RFC 7519 §3). */
  get looksSigned(): boolean {
    return this.#form === 'signed'
  }

  /**
   * Whether it is a JWS like those minted here: its `jti` is a handle. Decides by form, not by signature, so it also covers
   * tokens of other realms and apps, and our text with a changed signature.
   */
  get looksMinted(): boolean {
    const jti = this.#form === 'signed' ? payloadOf(this.#text)?.jti : undefined
    return typeof jti === 'string' && parseHandle(jti) !== undefined
  }

  reveal(): string {
    return this.#text
  }
}

function unreadable(text: string): TextRefused | undefined {
  if (text.length === 0) return 'empty'
  if (text.length > JWS_MAX_CHARS) return 'too-long'
  return text.isWellFormed() && !text.includes('\0') ? undefined : 'no-text'
}

function formRefused(text: string, form: JoseForm): TextRefused | undefined {
  if (form === 'broken') return 'not-canonical'
  if (form === 'signed') return undefined
  // A UTF-16 unit takes at most three bytes of UTF-8, so short text needs no counting.
  return text.length * 3 > TOKEN_MAX_BYTES && Buffer.byteLength(text) > TOKEN_MAX_BYTES
    ? 'too-long'
    : undefined
}
