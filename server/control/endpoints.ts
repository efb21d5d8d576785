import type { Endpoint } from './frame/endpoint.ts'
import { AUDIT_ENDPOINTS } from './resources/audit.ts'
import { BULK_ENDPOINTS } from './resources/bulk.ts'
import { CHECK_PROFILE_ENDPOINTS } from './resources/check-profiles.ts'
import { CONFIRM_CLOCK } from './resources/clock.ts'
import { EVIDENCE_ENDPOINTS } from './resources/evidence.ts'
import { EXPOSURE_ENDPOINTS } from './resources/exposure.ts'
import { FEED_ENDPOINTS } from './resources/feed.ts'
import { FIND_ENDPOINTS } from './resources/find/find.ts'
import { ISSUER_ENDPOINTS } from './resources/issuers.ts'
import { KEY_ENDPOINTS } from './resources/key-endpoints.ts'
import { TOKEN_PREFIX_ENDPOINTS } from './resources/oauth/token-prefixes.ts'
import { openapiEndpoint } from './resources/openapi.ts'
import { REALM_ENDPOINTS } from './resources/realms.ts'
import { APPROVAL_ENDPOINTS } from './resources/rules/approvals.ts'
import { HOLD_ENDPOINTS } from './resources/rules/holds.ts'
import { RECEIPT_ENDPOINTS } from './resources/rules/receipts.ts'
import { REVOCATION_ENDPOINTS } from './resources/rules/revocations.ts'
import { SCHEDULE_ENDPOINTS } from './resources/rules/schedules.ts'
import { SETTINGS_ENDPOINTS } from './resources/settings.ts'
import { STATS_ENDPOINTS } from './resources/stats/endpoints.ts'
import { TOKEN_REVIEW } from './resources/token-review.ts'
import { TOKEN_ENDPOINTS } from './resources/tokens.ts'
import { VERIFIER_ENDPOINTS } from './resources/verifiers.ts'
import { VERIFY } from './resources/verify.ts'

/** Endpoints that belong to no dialect. */
const ENDPOINTS: readonly Endpoint[] = [
  CONFIRM_CLOCK,
  ...REVOCATION_ENDPOINTS,
  ...RECEIPT_ENDPOINTS,
  ...SCHEDULE_ENDPOINTS,
  ...HOLD_ENDPOINTS,
  ...APPROVAL_ENDPOINTS,
  ...SETTINGS_ENDPOINTS,
  ...STATS_ENDPOINTS,
  ...BULK_ENDPOINTS,
  ...ISSUER_ENDPOINTS,
  VERIFY,
  ...KEY_ENDPOINTS,
  ...TOKEN_ENDPOINTS,
  ...FIND_ENDPOINTS,
  ...EXPOSURE_ENDPOINTS,
  ...REALM_ENDPOINTS,
  ...FEED_ENDPOINTS,
  ...VERIFIER_ENDPOINTS,
  ...AUDIT_ENDPOINTS,
  ...EVIDENCE_ENDPOINTS,
  ...CHECK_PROFILE_ENDPOINTS,
  TOKEN_REVIEW,
  ...TOKEN_PREFIX_ENDPOINTS,
]

/**
 * Every endpoint of the control API: the server's and those of its dialects. OpenAPI, the role checks and their tests
 * are generated from this table.
 */
export function endpointsWith(resources: readonly Endpoint[]): readonly Endpoint[] {
  const all: readonly Endpoint[] = [openapiEndpoint(() => all), ...ENDPOINTS, ...resources]
  return all
}
