import { AUDIT_ENDPOINTS } from './audit.ts'
import { CONFIRM_CLOCK } from './clock.ts'
import { FEED_ENDPOINTS } from './feed.ts'
import type { Endpoint } from './frame/endpoint.ts'
import { CREATE_GRANT } from './grants.ts'
import { ISSUER_ENDPOINTS } from './issuers.ts'
import { KEY_ENDPOINTS } from './key-endpoints.ts'
import { openapiEndpoint } from './openapi.ts'
import { REVOCATION_ENDPOINTS } from './rules/revocations.ts'
import { VERIFIER_ENDPOINTS } from './verifiers.ts'
import { VERIFY } from './verify.ts'

/** Every endpoint of the control API. OpenAPI, the role checks and their tests are made from this table. */
export const ENDPOINTS: readonly Endpoint[] = [
  openapiEndpoint(() => ENDPOINTS),
  CREATE_GRANT,
  CONFIRM_CLOCK,
  ...REVOCATION_ENDPOINTS,
  ...ISSUER_ENDPOINTS,
  VERIFY,
  ...KEY_ENDPOINTS,
  ...FEED_ENDPOINTS,
  ...VERIFIER_ENDPOINTS,
  ...AUDIT_ENDPOINTS,
]
