/** The loopback addresses of RFC 8252 §7.3 with an optional port, then the rest of the URI. */
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\])(?::([1-9][0-9]{0,4}))?((?:[/?].*)?)$/s
const PORT_MAX = 65_535

/**
 * Whether a redirect URI is registered. URIs are compared as whole texts (RFC 9700 §2.1), except for the port of a
 * loopback address, because a native app uses any free port (RFC 8252 §7.3). `localhost` gets no exception: the name
 * may resolve to another host (§8.3).
 */
export function isRegistered(redirectUri: string, registered: readonly string[]): boolean {
  if (registered.includes(redirectUri)) return true
  const asked = anyPort(redirectUri)
  return asked !== undefined && registered.some((one) => anyPort(one) === asked)
}

/** A loopback URI without its port. @returns undefined for any other URI. */
function anyPort(uri: string): string | undefined {
  const [, host, port = '1', rest] = LOOPBACK.exec(uri) ?? []
  return host === undefined || Number(port) > PORT_MAX ? undefined : `${host}${rest}`
}
