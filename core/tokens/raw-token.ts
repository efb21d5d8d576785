import { sha256Base64url } from '../crypto/digests.ts'
import { parseHandle, type TokenDigest, tokenDigest } from '../ids.ts'
import { type JoseForm, joseForm, nameOfSigned, payloadOf, twinOfSigned } from './jose-text.ts'

/** Bytes of the longest token text that is looked at; our own are 40. */
export const TOKEN_MAX_BYTES = 8_192
/** Characters of the longest JWS that is looked at: those of some providers list every group of a person. */
export const JWS_MAX_CHARS = 16_384

export type TextRefused =
  | 'empty'
  | 'too-long'
  /** It holds NUL, or is not well-formed Unicode: lone surrogates would be hashed alike. */
  | 'no-text'
  /** A JWS or JWE that is not written as RFC 7515 §7.1 and RFC 7516 §7.1 say: another text of some other token. */
  | 'not-canonical'

/**
 * The text of a token, alive only while one request is answered. It cannot be printed, logged, serialised or used as
 * a key by accident: every such path goes through `reveal`, which is easy to find and to review.
 */
export class RawToken {
  readonly #text: string
  readonly #form: JoseForm
  #digested: { readonly key: string; readonly digest: TokenDigest } | undefined

  private constructor(text: string, form: JoseForm) {
    this.#text = text
    this.#form = form
  }

  /** @returns undefined for text that can be no token; `refusalOf` says why. */
  static parse(text: string): RawToken | undefined {
    if (unreadable(text) !== undefined) return undefined
    const form = joseForm(text)
    return formRefused(text, form) === undefined ? new RawToken(text, form) : undefined
  }

  /** Text that was kept here, by whatever rules held then: to be shown, not to be judged. */
  static kept(text: string): RawToken {
    return new RawToken(text, 'opaque')
  }

  /**
   * The digest of exact bytes, whatever they are: to find what was parsed and judged before, without doing so again.
   * @returns undefined for what has none.
   */
  static digestOf(text: string, digestKey: string): TokenDigest | undefined {
    return unreadable(text) === undefined ? tokenDigest(sha256Base64url(digestKey + text)) : undefined
  }

  static refusalOf(text: string): TextRefused | undefined {
    return unreadable(text) ?? formRefused(text, joseForm(text))
  }

  /** SHA-256(realm digest key ‖ the exact bytes). The key is ASCII text, so one string hash serves. */
  digest(digestKey: string): TokenDigest {
    // One request asks for it more than once: to find the token, and for what it may spend.
    if (this.#digested?.key !== digestKey)
      this.#digested = { key: digestKey, digest: tokenDigest(sha256Base64url(digestKey + this.#text)) }
    return this.#digested.digest
  }

  /**
   * The digest that its record has, and rules on it name. A JWS has as many texts as there are signatures that fit, so
   * it goes by issuer and `jti`, or by what was signed (model §2.4): never enough to let it in, always enough to end it.
   * A JWE goes by everything but its tag, of which sloppy readers take a part. All other text goes by its exact bytes,
   * and so do the JWTs that are minted here. Token text holds no NUL, so no text has such a digest.
   */
  knownBy(digestKey: string): TokenDigest {
    if (!this.isKnownByName) return this.digest(digestKey)
    const name = nameOfSigned(this.#text)
    const known =
      name.kind === 'pair' ? `iss:${name.issuer.length}:${name.issuer}${name.jti}` : `jws:${name.input}`
    return tokenDigest(sha256Base64url(`${digestKey}\0${known}`))
  }

  /**
   * The digest of the same JWS with its other ECDSA signature: what was known by its bytes, before a JWS had a name, may
   * come back as that.
   */
  twinDigest(digestKey: string): TokenDigest | undefined {
    const twin = this.isKnownByName && this.#form === 'signed' ? twinOfSigned(this.#text) : undefined
    return twin === undefined ? undefined : RawToken.digestOf(twin, digestKey)
  }

  /** Whether `knownBy` is another digest than that of its bytes. */
  get isKnownByName(): boolean {
    return this.#form !== 'opaque' && !this.looksMinted
  }

  /** Whether it could be a JWS, by its structure (RFC 7519 §3). */
  get looksSigned(): boolean {
    return this.#form === 'signed'
  }

  /**
   * Whether it is a JWS of the form that is minted here: its `jti` is a handle. Told by form, not by signature, so that
   * the tokens of all realms and apps are meant, and so is our text with a changed signature.
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
  // A character is at most three bytes of UTF-8 per UTF-16 unit, so short text needs no counting.
  return text.length * 3 > TOKEN_MAX_BYTES && Buffer.byteLength(text) > TOKEN_MAX_BYTES
    ? 'too-long'
    : undefined
}
