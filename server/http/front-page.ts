import type { Answer, Dialect, WireRequest } from '@rescind/dialects'

/**
 * The page is public, so it holds no version, no state and nothing of the request. It has no links, because proxies and
 * realms put a prefix before paths.
 */
const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Rescind</title>
</head>
<body>
<h1>Rescind</h1>
<p>This is a token revocation authority: it issues, validates and revokes tokens. It has an API, and no pages to log in to.</p>
<table>
<tr><th scope="row">Is it up?</th><td><code>GET /healthz</code>, <code>GET /readyz</code></td></tr>
<tr><th scope="row">OAuth 2.0</th><td><code>/api/id/v1</code>, described at
<code>/api/id/v1/.well-known/oauth-authorization-server</code></td></tr>
<tr><th scope="row">Cloud Identity</th><td><code>/v2.0</code>, <code>/v3</code></td></tr>
<tr><th scope="row">Control API</th><td><code>/control/v1</code>, described at
<code>/control/v1/openapi.json</code>; needs a control key</td></tr>
<tr><th scope="row">Documentation</th><td>README.md and docs/ of the source code</td></tr>
</table>
</body>
</html>
`

const FRONT_PAGE: Answer = {
  status: 200,
  headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', vary: 'Accept' },
  body: PAGE,
}

/**
 * Browsers accept both types, and people who try it with curl name text/html alone. Java's HTTP client accepts text/html
 * beside images, and expects the versions of the Identity API. X-Auth-Token is not looked at: `/` needs no token, so it
 * must not fail for a broken one.
 */
const OF_BROWSERS = ['text/html', 'application/xhtml+xml']

/** Adds a page for people to the dialect that has `/` among its paths. */
export function withFrontPage(dialect: Dialect, paths: readonly string[]): Dialect {
  if (!paths.includes('/')) return dialect
  return {
    ...dialect,
    handle: (realm, request) =>
      isFromBrowser(request) ? Promise.resolve(FRONT_PAGE) : dialect.handle(realm, request),
  }
}

function isFromBrowser(request: WireRequest): boolean {
  if (request.path !== '/' || (request.method !== 'GET' && request.method !== 'HEAD')) return false
  const types = (request.header('accept') ?? '').split(',').map((type) => type.trim().toLowerCase())
  return OF_BROWSERS.every((type) => types.includes(type)) || types.join() === 'text/html'
}
