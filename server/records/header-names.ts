/**
 * Every header about the caller that `/check` sends; each answer has all of them. Gateways clear and set exactly these
 * (docs/gateways). A header that was left out would reach a service as its caller wrote it.
 */
export const IDENTITY_HEADERS = [
  'x-auth-source',
  'x-auth-subject',
  'x-auth-client',
  'x-auth-tenant',
  'x-auth-scope',
  'x-auth-jti',
  'x-auth-exp',
  'x-auth-act',
] as const
