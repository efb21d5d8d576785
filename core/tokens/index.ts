export { signText, verifySignature } from '../crypto/signatures.ts'
export {
  confirmationOf,
  credentialOf,
  credentialOfClaims,
  kindOf,
  LIMITED_CLIENT,
  SETUP_SCOPE,
} from './credential.ts'
export { type FactsJson, factsJson, type PositionJson } from './facts-json.ts'
export {
  type ClaimMap,
  claimedJti,
  type ForeignIssuer,
  type ForeignRead,
  type ForeignRefused,
  foreignKeys,
  readForeign,
} from './foreign.ts'
export { FOREIGN_TYPES } from './foreign-kind.ts'
export { foreignIssuer, foreignSource, isForeignSource } from './foreign-source.ts'
export { joseForm, payloadOf } from './jose-text.ts'
export {
  exportPublicJwk,
  exportVerificationJwk,
  importJwks,
  importPrivateJwk,
  importPublicJwk,
  isCanonicalBase64url,
  KEYS_MAX,
  SIGNATURE_ALGORITHMS,
  type SigningKey,
  thumbprint,
  type VerificationKey,
} from './jwk.ts'
export {
  audienceOf,
  candidateKeys,
  numericDateMs,
  type ParsedJws,
  parseJws,
  signJws,
  verifyJws,
} from './jwt.ts'
export {
  CREDENTIAL_KINDS,
  type CredentialKind,
  isCredentialKind,
  isUsableKind,
  SINGLE_USE,
  type TokenKind,
} from './kinds.ts'
export { JWS_MAX_CHARS, RawToken, type TextRefused, TOKEN_MAX_BYTES } from './raw-token.ts'
export { isSingleUse, type Known, readFacts } from './read-facts.ts'
export { ACCESS_TOKEN_TYP, factsOfClaims, judgingClaims } from './signed-claims.ts'
