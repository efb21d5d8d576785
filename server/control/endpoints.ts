import { AUDIT_ENDPOINTS } from './audit.ts'
import { BULK_ENDPOINTS } from './bulk.ts'
import { CHAT_APP_ENDPOINTS } from './chat-apps.ts'
import { CHECK_PROFILE_ENDPOINTS } from './check-profiles.ts'
import { CONFIRM_CLOCK } from './clock.ts'
import { FEED_ENDPOINTS } from './feed.ts'
import type { Endpoint } from './frame/endpoint.ts'
import { CREATE_GRANT } from './grants.ts'
import { IDENTITY_CREDENTIAL_ENDPOINTS } from './identity-credentials.ts'
import { ISSUER_ENDPOINTS } from './issuers.ts'
import { KEY_ENDPOINTS } from './key-endpoints.ts'
import { LIST_CLIENT_GRANTS } from './oauth/client-grants.ts'
import { CLIENT_SECRET_ENDPOINTS } from './oauth/client-secrets.ts'
import { CLIENT_ENDPOINTS } from './oauth/clients.ts'
import { SIGNING_KEY_ENDPOINTS } from './oauth/signing-keys.ts'
import { TOKEN_PREFIX_ENDPOINTS } from './oauth/token-prefixes.ts'
import { openapiEndpoint } from './openapi.ts'
import { REALM_ENDPOINTS } from './realms.ts'
import { APPROVAL_ENDPOINTS } from './rules/approvals.ts'
import { HOLD_ENDPOINTS } from './rules/holds.ts'
import { REVOCATION_ENDPOINTS } from './rules/revocations.ts'
import { SCHEDULE_ENDPOINTS } from './rules/schedules.ts'
import { SETTINGS_ENDPOINTS } from './settings.ts'
import { TOKEN_REVIEW } from './token-review.ts'
import { TOKEN_ENDPOINTS } from './tokens.ts'
import { VERIFIER_ENDPOINTS } from './verifiers.ts'
import { VERIFY } from './verify.ts'

/** Every endpoint of the control API. OpenAPI, the role checks and their tests are made from this table. */
export const ENDPOINTS: readonly Endpoint[] = [
  openapiEndpoint(() => ENDPOINTS),
  CREATE_GRANT,
  CONFIRM_CLOCK,
  ...REVOCATION_ENDPOINTS,
  ...SCHEDULE_ENDPOINTS,
  ...HOLD_ENDPOINTS,
  ...APPROVAL_ENDPOINTS,
  ...SETTINGS_ENDPOINTS,
  ...BULK_ENDPOINTS,
  ...ISSUER_ENDPOINTS,
  ...IDENTITY_CREDENTIAL_ENDPOINTS,
  ...CHAT_APP_ENDPOINTS,
  VERIFY,
  ...KEY_ENDPOINTS,
  ...TOKEN_ENDPOINTS,
  ...REALM_ENDPOINTS,
  ...FEED_ENDPOINTS,
  ...VERIFIER_ENDPOINTS,
  ...AUDIT_ENDPOINTS,
  ...CHECK_PROFILE_ENDPOINTS,
  TOKEN_REVIEW,
  ...CLIENT_ENDPOINTS,
  ...CLIENT_SECRET_ENDPOINTS,
  LIST_CLIENT_GRANTS,
  ...SIGNING_KEY_ENDPOINTS,
  ...TOKEN_PREFIX_ENDPOINTS,
]
