// chat
export { type ChatAppSettings, chatAppSettings, chatAppTraits, chatAppValue } from './chat/app-value.ts'
export { type ChatDialect, type ChatOptions, createChatDialect } from './chat/dialect.ts'
export {
  CHAT_APPS,
  CHAT_CLIENTS,
  type ChatApp,
  type ChatClient,
  clientRecordId as chatClientRecordId,
  isClientId as isChatClientId,
  liveApiKeysOf,
  sourceOf as chatSource,
} from './chat/directory.ts'
export type { AskExternal, ExternalAsk, ExternalReply } from './chat/external-verification.ts'
export type { LivePort } from './chat/live/streams.ts'
export { CHAT_PREFIXES } from './chat/routes.ts'
// identity
export { createIdentityDialect, type IdentityOptions } from './identity/dialect.ts'
export { IDENTITY_APP_CREDENTIALS } from './identity/directory/app-credentials.ts'
export {
  COLLECTIONS as IDENTITY_COLLECTIONS,
  updated as identityUpdated,
} from './identity/directory/changes.ts'
export {
  countCredentialsEnded,
  credentialsEnded,
  endingOf,
  LOGINS as IDENTITY_LOGINS,
  type Login as IdentityLogin,
  loginsOf as identityLoginsOf,
  longLivedCredentials,
} from './identity/directory/long-lived-credentials.ts'
export { seededMfa } from './identity/directory/mfa.ts'
export { grantedRole as identityRole, roleIdOfName } from './identity/directory/roles.ts'
export { identityTenantValue } from './identity/directory/tenants.ts'
export {
  accountOf as identityAccountOf,
  IDENTITY_USERS,
  type IdentityUser,
  identityUserValue,
  mfaOf as identityMfaOf,
} from './identity/directory/users.ts'
export {
  type DirectoryWritten as IdentityWritten,
  writeDirectory as writeIdentity,
} from './identity/directory/write.ts'
export type { NewPassword, PasswordCheck, PasswordQuestion } from './identity/session/password-check.ts'
export { resetOf as passwordResetOf } from './identity/v2/users/passwords.ts'
// oauth
export type { OauthNotice, OauthOptions } from './oauth/call.ts'
export { CHALLENGE, startCode } from './oauth/code-grant.ts'
export { createOauthDialect } from './oauth/dialect.ts'
export {
  type ClientSecret,
  GRANT_TYPES,
  type GrantType,
  newSecret,
  OAUTH_CLIENTS,
  type OauthClient,
  type OauthClientIntent,
  oauthClientValue,
  SECRETS_MAX,
  TOKEN_ALGORITHMS,
  TOKEN_EXCHANGE,
  type TokenAlgorithm,
} from './oauth/directory.ts'
export { INTROSPECT_PATH, PREFIX_PATH as OAUTH_PREFIX, REVOKE_PATH, TOKEN_PATH } from './oauth/metadata.ts'
export { isRegistered as isRegisteredRedirect } from './oauth/redirect-uris.ts'
export { grantedScope } from './oauth/scopes.ts'
export { spelled as spelledTarget, TARGET_MAX_CHARS } from './oauth/targets.ts'
export { startGrant, tokenMembers } from './oauth/tokens.ts'
export { addressShare, canonicalAddress } from './wire/address.ts'
export { parseAddressRange } from './wire/address-range.ts'
export {
  type Answer,
  jsonAnswer,
  RETRY_AFTER_SECONDS,
  type Refusal,
  type Stale,
} from './wire/answer.ts'
export { type Dialect, isSafe, untilFresh } from './wire/dialect.ts'
export { foldedName } from './wire/folded-name.ts'
export { parseFormText } from './wire/form.ts'
export { splitPath } from './wire/path.ts'
export { RateLimit } from './wire/rate.ts'
export { isUtf8, mediaType, type WireRequest } from './wire/request.ts'
export type { RouteWords } from './wire/route-words.ts'
export { allowOf, type Matched, paramsOf, type Route, Router, withHead } from './wire/router.ts'
export { SCAN_RETRY_SECONDS, Scans } from './wire/scans.ts'
export { newestOfMost } from './wire/shares.ts'
export { type Json, type JsonObject, parseStrictJson, parseStrictObject } from './wire/strict-json.ts'
export { WRONG_KEYS_BURST, WrongKeys } from './wire/wrong-keys.ts'
