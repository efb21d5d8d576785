import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Calls, CONTROL, JSON_BODY } from '../kit/calls.ts'
import { openServer } from '../kit/in-process.ts'
import { headerOf } from '../kit/raw-http.ts'
import { BOB, ROOT } from '../kit/seed.ts'

// Every URL that Identity writes must begin with the base that clients reach the server by.

type Way = { readonly flags: readonly string[]; readonly headers: readonly string[]; readonly base: string }

const PROXIED = [
  'X-Forwarded-Proto: HTTPS',
  'X-Forwarded-Host: id.example.org',
  'X-Forwarded-Prefix: /identity',
]
const WAYS: Readonly<Record<string, Way>> = {
  'a public URL': {
    flags: ['--public-url', 'https://id.example.org'],
    headers: [],
    base: 'https://id.example.org',
  },
  'a public URL with a path': {
    flags: ['--public-url', 'https://id.example.org/identity/'],
    headers: ['X-Forwarded-Host: evil.example', 'Forwarded: host=evil.example'],
    base: 'https://id.example.org/identity',
  },
  'a trusted proxy that takes a prefix off': {
    flags: ['--behind-proxy', '127.0.0.0/8'],
    headers: PROXIED,
    base: 'https://id.example.org/identity',
  },
  'a trusted proxy that writes Forwarded': {
    flags: ['--behind-proxy', '127.0.0.0/8'],
    headers: ['Forwarded: for=192.0.2.1;proto=https;host=id.example.org', 'X-Forwarded-Prefix: /identity'],
    base: 'https://id.example.org/identity',
  },
  'a proxy that nobody trusts': { flags: [], headers: PROXIED, base: 'http://127.0.0.1:8080' },
}

for (const [name, { flags, headers, base }] of Object.entries(WAYS))
  test(`[W23] links, catalogs and headers of both versions begin with the address of ${name}`, async () => {
    const server = await openServer({ time: 'hand', flags })
    const calls = new Calls(server.port)
    try {
      const send = (line: string, more: readonly string[] = [], body?: object) =>
        calls.send(
          line,
          [...headers, ...more, JSON_BODY],
          body === undefined ? undefined : JSON.stringify(body),
        )
      const versions = await send('GET /')
      assert.equal(headerOf(versions, 'location'), `${base}/v3/`)
      assert.match(headerOf(versions, 'x-openstack-request-id') ?? '', /^req-[0-9a-f-]{36}$/)
      const { username, password, id } = BOB
      const v2 = await send('POST /v2.0/tokens', [], {
        auth: { passwordCredentials: { username, password } },
      })
      const identity = { methods: ['password'], password: { user: { id, password } } }
      const v3 = await send('POST /v3/auth/tokens', [], { auth: { identity } })
      const root = `X-Auth-Token: ${await calls.identityToken(ROOT)}`
      const made = await send('POST /v2.0/users', [root], { user: { username: 'links' } })
      const xml = await send('GET /v2.0.xml')
      const answers = [versions, await send('GET /v2.0'), await send('GET /v3'), v2, v3, made, xml]
      answers.push(await send('GET /v3/users?limit=1', [root]), await send('GET /v3/auth/catalog', [root]))
      answers.push(
        await send('GET /v3/OS-REVOKE/events', [root]),
        await send('GET /v2.0/users?limit=1', [root]),
      )
      for (const answer of answers) {
        assert.ok(answer.status < 400, answer.statusLine)
        const text = [...answer.headers.map(([, value]) => value), answer.body.toString()].join('\n')
        const urls = [...text.matchAll(/https?:\/\/[^\s"<>;]+/g)].map(([url]) => url)
        const own = urls.filter((url) => !/^http:\/\/(docs|www)\./.test(url))
        assert.deepEqual(
          own.filter((url) => url !== base && !url.startsWith(`${base}/`)),
          [],
          text,
        )
      }
      assert.equal(headerOf(made, 'location')?.startsWith(`${base}/v2.0/users/`), true)
      for (const path of ['/v2.0/tenants', '/v3/users']) {
        const refused = await send(`GET ${path}`)
        const version = path.slice(0, path.indexOf('/', 1))
        assert.equal(headerOf(refused, 'www-authenticate'), `Keystone uri="${base}${version}"`)
      }
      assert.equal((await send('POST /control/v1/realms', [CONTROL], { name: 'blue' })).status, 201)
      const inRealm = await send('GET /realms/blue/')
      assert.equal(headerOf(inRealm, 'location'), `${base}/realms/blue/v3/`)
    } finally {
      calls.close()
      await server.close()
    }
  })
