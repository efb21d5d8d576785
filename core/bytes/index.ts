export { hmacSha1, hmacSha256, sameDigest, secretDigest, sha256, sha256Base64url } from '../crypto/digests.ts'
export type { KeyMembers, SignatureAlgorithm } from '../crypto/signatures.ts'
export { ByteReader, ByteWriter } from './bytes.ts'
export { type Defined, defined } from './defined.ts'
export { displayText, isDisplayName } from './display-text.ts'
export { formatInstant, instantOf, parseInstant } from './iso-date.ts'
export { sextetsAt } from './sextets.ts'
export {
  isObject,
  type Json,
  type JsonObject,
  parseJsonPassingOver,
  parseStrictFile,
  parseStrictJson,
  parseStrictObject,
} from './strict-json.ts'
export { decodeUtf8, withoutBom } from './strict-text.ts'
