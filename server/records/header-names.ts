/**
 * Every header about the caller that `/check` ever sends, and it sends all of them with each answer. Gateways clear and
 * set exactly these (docs/gateways); a header that were left out would reach a service as its caller wrote it.
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
