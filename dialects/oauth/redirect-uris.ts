/** The loopback addresses of RFC 8252 §7.3, with or without a port; then whatever else the URI says. */
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\])(?::([1-9][0-9]{0,4}))?((?:[/?].*)?)$/s
const PORT_MAX = 65_535

/**
 * Whether a client has registered this redirect URI. Compared as text, whole (RFC 9700 §2.1), but for the port of a
 * loopback address: an app gets whatever port is free (RFC 8252 §7.3). `localhost` is a name, and may be somebody else's
 * (§8.3): it is compared whole, like any other.
 */
export function isRegistered(redirectUri: string, registered: readonly string[]): boolean {
  if (registered.includes(redirectUri)) return true
  const asked = anyPort(redirectUri)
  return asked !== undefined && registered.some((one) => anyPort(one) === asked)
}

/** A loopback URI without its port. @returns undefined for every other one. */
function anyPort(uri: string): string | undefined {
  const [, host, port = '1', rest] = LOOPBACK.exec(uri) ?? []
  return host === undefined || Number(port) > PORT_MAX ? undefined : `${host}${rest}`
}
