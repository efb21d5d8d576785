import assert from 'node:assert/strict'
import { METHODS } from 'node:http'
import { after, before, test } from 'node:test'
import { API_KEY, basic } from '../kit/calls.ts'
import { headerOf, latin1, type RawAnswer, requestBytes } from '../kit/raw-http.ts'
import { SVC } from '../kit/seed.ts'
import { hostileTest } from './malformed/hostile-test.ts'
import { assertRefusal, hasShape, type Shape } from './malformed/shapes.ts'
import { bytesOf, type Template, victimTemplates } from './malformed/templates.ts'
import { HOSTILE_MODULES, HostileWorld, VICTIM } from './malformed/world.ts'

/** Requests that are malformed on the wire, for every route, with valid credentials and bodies. */

let world: HostileWorld
let templates: readonly Template[] = []
before(async () => {
  world = await HostileWorld.open()
  templates = victimTemplates(world)
})
after(() => world.close())

const hostile = hostileTest(() => world, 'none')

test('each dialect of the server is sent malformed requests', () => {
  for (const { name, paths } of HOSTILE_MODULES) {
    const isSent = templates.some(({ target }) => paths.some((path) => target.startsWith(`${path}/`)))
    assert.ok(isSent, name)
  }
})

const said = ({ method, target }: Template): string => `${method} ${target}`

hostile('[N10] refuses every repeated header, equal or not, in the words of the dialect', async () => {
  for (const template of templates) {
    const named = [...template.headers, 'Host: 127.0.0.1:8080', 'User-Agent: one', 'X-Request-Id: 1']
    for (const header of named) {
      const [name = '', value = ''] = header.split(': ')
      const present = template.headers.includes(header) ? [] : [header]
      for (const second of [header, `${name}: other`, `${name.toUpperCase()}: ${value}`, `${name}:`]) {
        const answer = await world.refused(
          bytesOf(template, [...present, second]),
          [template.shape],
          `${said(template)} with two ${name}`,
        )
        assert.equal(answer.status, 400)
      }
    }
  }
})

hostile('refuses a Host header that names no host (RFC 9112 §3.2)', async () => {
  for (const template of templates) {
    for (const host of ['a b', 'a/b', 'user@host', 'a?b', 'a#b', 'a\\b', 'a,b', '<a>']) {
      const text = bytesOf(template)
        .toString('latin1')
        .replace(/^Host: [^\r]*/m, `Host: ${host}`)
      const answer = await world.refused(latin1(text), [template.shape], `${said(template)} at ${host}`)
      assert.equal(answer.status, 400)
    }
  }
})

hostile('refuses a body that is encoded, whatever its bytes would say as they are', async () => {
  for (const template of templates) {
    for (const coding of ['gzip', 'GZIP', 'br', 'deflate', 'identity, gzip']) {
      const bytes = bytesOf(template, [`Content-Encoding: ${coding}`])
      const answer = await world.refused(bytes, [template.shape], `${said(template)} in ${coding}`)
      assert.equal(answer.status, 400)
    }
  }
})

hostile('refuses a header under its two names with two values', async () => {
  const pairs = [
    [API_KEY, 'API_KEY: rival-api-key-0123456789'],
    ['IM-CLIENT-KEY: acme-client-key-public', 'CLIENT_KEY: rival-client-key-public'],
    [`IM-Authorization: ${world.victims.chat}`, 'Authorization: other'],
  ]
  for (const [own = '', alias = ''] of pairs) {
    for (const template of templates.filter(({ shape }) => shape === 'chat')) {
      const isRead = template.target === '/me' || !own.startsWith('IM-Auth')
      if (!isRead) continue
      const headers = [...new Set([...template.headers, own, alias])]
      const answer = await world.refused(bytesOf({ ...template, headers }), ['chat'], said(template))
      assert.equal(answer.status, 400)
    }
  }
})

hostile('[N02] refuses targets that are no path: absolute, authority, asterisk', async () => {
  for (const template of templates) {
    for (const target of [
      `http://127.0.0.1:8080${template.target}`,
      `http://evil.example${template.target}`,
      `HTTPS://evil.example:443${template.target}`,
    ]) {
      const what = `${template.method} ${target}`
      const answer = await world.refused(bytesOf({ ...template, target }), [template.shape, 'problem'], what)
      assert.equal(answer.status, 400, what)
    }
    for (const target of ['*', '127.0.0.1:8080', template.target.slice(1), `?${template.target}`, '']) {
      const what = `${template.method} ${target}`
      const [answer, ...more] = await world.sendAll(bytesOf({ ...template, target }, ['Connection: close']))
      if (answer !== undefined) assertRefusal(answer, ['problem', 'identity'], what)
      assert.equal(more.length, 0, what)
    }
  }
})

hostile('refuses a missing Host, in the words of the dialect', async () => {
  for (const template of templates) {
    const bytes = bytesOf(template).toString('latin1').replace('Host: 127.0.0.1:8080\r\n', '')
    const answer = await world.refused(latin1(bytes), [template.shape], said(template))
    assert.equal(answer.status, 400)
  }
})

hostile('refuses header bytes that are not UTF-8 where they are read', async () => {
  for (const template of templates) {
    for (const header of template.headers) {
      for (const bytes of ['\xff', '\xc3', '\xed\xa0\x80', '\xc0\xaf', '\xf5\x80\x80\x80']) {
        const headers = template.headers.map((given) => (given === header ? `${header}${bytes}` : given))
        const what = `${said(template)}, ${header} and ${JSON.stringify(bytes)}`
        const answer = await world.refused(bytesOf({ ...template, headers }), [template.shape], what)
        assert.equal(answer.status, 400, what)
      }
    }
  }
})

hostile('refuses bytes in the target that are not printable ASCII', async () => {
  for (const template of templates) {
    for (const bytes of ['\xff', '\xc3\xa9', '\x7f', '\x01', '\x00', '\t', ' ']) {
      // A space after the target is the separator, which may be longer (RFC 9112 §3).
      const after = bytes === ' ' ? ' x' : bytes
      for (const target of [`${template.target}${after}`, `${template.target.slice(0, 4)}${bytes}x`]) {
        const [answer, ...more] = await world.sendAll(bytesOf({ ...template, target }, ['Connection: close']))
        const what = `${template.method} ${JSON.stringify(target)}`
        assert.ok(answer !== undefined && more.length === 0, what)
        assertRefusal(answer, [template.shape, 'problem'], what)
      }
    }
  }
})

/** Would end the victim's tokens, if anything took it for a request. */
const SMUGGLED = `DELETE /admin/clients/${VICTIM}/token HTTP/1.1\r\nHost: a\r\n${API_KEY}\r\n\r\n`

/** Expects one refusal and the end of the connection. */
async function refusedAndEnded(bytes: Buffer, what: string, ...also: readonly Shape[]): Promise<RawAnswer> {
  const [answer, ...more] = await world.sendAll(bytes)
  assert.ok(answer !== undefined && more.length === 0, `${more.length + 1} answers to ${what}`)
  assertRefusal(answer, ['problem', ...also], what)
  return answer
}

hostile('refuses header lines that two parsers read differently, and ends the connection', async () => {
  const lines = [
    'X: a\0b',
    'X: a\rb',
    'X: a\nX-Auth-Token: b',
    'X : a',
    'X\t: a',
    ' X: a',
    'X(: a',
    ': a',
    'X',
    '\0X: a',
    'X\xe9: a',
  ]
  for (const template of templates) {
    for (const line of lines) {
      const text = bytesOf(template).toString('latin1').replace('\r\n', `\r\n${line}\r\n`)
      const answer = await refusedAndEnded(
        latin1(text + SMUGGLED),
        `${said(template)}, ${JSON.stringify(line)}`,
      )
      assert.equal(answer.status, 400)
    }
    const bare = bytesOf(template).toString('latin1').replaceAll('\r\n', '\n')
    await refusedAndEnded(latin1(bare), `${said(template)}, bare LF`)
    const folded = bytesOf(template).toString('latin1').replace('Host:', 'X: a\r\n b\r\nHost:')
    await refusedAndEnded(latin1(folded + SMUGGLED), `${said(template)}, folded`)
  }
})

hostile(
  '[N10] refuses lengths that two parsers read differently, and reads no second request from the rest',
  async () => {
    const framings = [
      'Content-Length: 5\r\nTransfer-Encoding: chunked',
      'Transfer-Encoding: chunked\r\nContent-Length: 5',
      'Content-Length: 5\r\nContent-Length: 5',
      'Content-Length: 0\r\nContent-Length: 999',
      'Content-Length: -1',
      'Content-Length: +5',
      'Content-Length: 0x5',
      'Content-Length: 5, 5',
      'Content-Length: 5 5',
      'Content-Length: 99999999999999999999999999',
      'Transfer-Encoding: xchunked',
      'Transfer-Encoding: identity',
      'Transfer-Encoding: chunked, identity',
      'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
      'Transfer-Encoding: "chunked"',
      'Transfer-Encoding: \x0bchunked',
    ]
    for (const template of templates) {
      const head = bytesOf({ ...template, body: '' }).toString('latin1')
      for (const framing of framings) {
        const text = head.replace(/\r\n\r\n$/, `\r\n${framing}\r\n\r\n0\r\n\r\n${SMUGGLED}`)
        await refusedAndEnded(latin1(text), `${said(template)}, ${JSON.stringify(framing)}`)
      }
      for (const chunks of [
        '5;\0\r\n',
        '-1\r\n',
        'g\r\n',
        '0x5\r\n',
        '5 \r\nabcde',
        'ffffffffffffffffff\r\n',
        '5\n',
      ]) {
        const text = head.replace(/\r\n\r\n$/, `\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}${SMUGGLED}`)
        await refusedAndEnded(latin1(text), `${said(template)}, chunk ${JSON.stringify(chunks)}`)
      }
    }
  },
)

hostile('refuses other versions of the protocol', async () => {
  for (const template of templates) {
    for (const version of [
      'HTTP/1.2',
      'HTTP/2.0',
      'HTTP/0.9',
      'HTTP/11',
      'http/1.1',
      'HTTP/1.1 x',
      'FTP/1.1',
      '',
    ]) {
      const text = bytesOf(template).toString('latin1').replace('HTTP/1.1', version)
      await refusedAndEnded(latin1(text), `${said(template)} ${version}`, template.shape)
    }
  }
})

hostile('answers 431 to more than 64 KiB of headers', async () => {
  for (const template of templates) {
    for (const more of [
      [`X: ${'a'.repeat(65_536)}`],
      Array.from({ length: 64 }, (_, at) => `X-${at}: ${'a'.repeat(1_024)}`),
      Array.from({ length: 12_000 }, (_, at) => `X-${at}:`),
    ]) {
      const answer = await refusedAndEnded(bytesOf(template, more), `${said(template)}, many headers`)
      assert.equal(answer.status, 431)
    }
    const target = `${template.target}${'a'.repeat(66_000)}`
    assert.equal((await refusedAndEnded(bytesOf({ ...template, target }), 'a long target')).status, 431)
  }
})

hostile(
  '[P03] answers 413 to a body of more than 64 KB, declared or in chunks, in the words of the dialect',
  async () => {
    for (const template of templates) {
      const large = `Content-Length: 65537`
      const declared = requestBytes({
        line: `${template.method} ${template.target} HTTP/1.1`,
        headers: [...template.headers, large],
      })
      const chunk = `2000\r\n${'a'.repeat(8_192)}\r\n`
      const chunked = requestBytes({
        line: `${template.method} ${template.target} HTTP/1.1`,
        headers: [...template.headers, 'Transfer-Encoding: chunked'],
        body: `${chunk.repeat(8)}1\r\na\r\n0\r\n\r\n`,
      })
      for (const bytes of [declared, chunked]) {
        const answer = await world.refused(bytes, [template.shape], said(template))
        assert.equal(answer.status, 413)
        assert.equal(headerOf(answer, 'connection'), 'close')
      }
    }
  },
)

hostile('reads a body of exactly 64 KB', async () => {
  for (const template of templates.filter(({ body }) => body !== undefined)) {
    const body = 'x'.repeat(65_536)
    const answer = await world.send(bytesOf({ ...template, body }))
    assert.notEqual(answer.status, 413, said(template))
    assertRefusal(answer, [template.shape], said(template))
  }
})

hostile('answers 405 with Allow to every method that a path does not have', async () => {
  for (const { shape, target, headers } of templates) {
    const allowed = templates
      .filter((other) => pathOf(other.target) === pathOf(target))
      .map(({ method }) => method)
    for (const method of METHODS) {
      const hasIt = allowed.includes(method) || (method === 'HEAD' && allowed.includes('GET'))
      if (hasIt || method === 'CONNECT' || isAlsoThere(method, target)) continue
      const bytes = bytesOf({ shape, method, target, headers })
      const before = world.writes
      const answer = await world.send(bytes)
      assert.equal(answer.status, 405, `${method} ${target}`)
      assert.ok(method === 'HEAD' || hasShape(answer, shape), `${method} ${target}`)
      for (const one of allowed) assert.match(headerOf(answer, 'allow') ?? '', new RegExp(`\\b${one}\\b`))
      assert.equal(world.writes, before)
    }
  }
})

const pathOf = (target: string): string => (target.split('?', 1)[0] ?? '').replace(/\/$/, '')
/** Named tokens can also be read, and a chat client may be called `list`; `templates` lacks some of these. */
const isAlsoThere = (method: string, target: string): boolean =>
  (/^\/v2\.0\/tokens\/./.test(target) && ['GET', 'HEAD', 'DELETE'].includes(method)) ||
  (target === '/admin/clients/list' && method === 'DELETE') ||
  // Requested rules can be listed.
  (/^\/control\/v1\/(?:revocations|holds|approvals)/.test(target) && ['GET', 'HEAD'].includes(method)) ||
  // Preflights of browsers.
  (method === 'OPTIONS' && /^(?!.*introspect).*(?:\/api\/id\/v1|\.well-known\/oauth)/.test(target))

hostile('refuses unknown methods, and CONNECT without an answer', async () => {
  for (const template of templates) {
    for (const method of ['FOO', 'delete', 'Post', 'GETT', 'DELETE\t', '\0GET', 'PRI']) {
      await refusedAndEnded(bytesOf({ ...template, method }), `${method} ${template.target}`)
    }
    assert.deepEqual(await world.sendAll(bytesOf({ ...template, method: 'CONNECT' })), [])
  }
})

hostile('[N17] never takes the method from anywhere but the request line', async () => {
  for (const template of templates.filter(({ method }) => method !== 'GET' && method !== 'POST')) {
    for (const name of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override', '_method']) {
      for (const method of ['POST', 'PATCH']) {
        const bytes = bytesOf({ ...template, method }, [`${name}: ${template.method}`])
        if (method === 'POST' && pathOf(template.target) === '/v2.0/tokens') continue
        const answer = await world.refused(bytes, [template.shape], `${name} on ${template.target}`)
        assert.equal(answer.status, 405)
      }
      const target = `${template.target}${template.target.includes('?') ? '&' : '?'}_method=${template.method}`
      await world.refused(bytesOf({ ...template, method: 'PATCH', target }), [template.shape], target)
    }
  }
})

hostile('[C13] takes nothing from headers that only a proxy or a middleware may set', async () => {
  const forged = [
    'X-User-Id: 1',
    'X-User-Name: root',
    'X-Roles: identity:admin,admin',
    'X_Roles: admin',
    'X-Identity-Status: Confirmed',
    'X-Is-Admin-Project: True',
    'X-Service-Token: x',
    'X_Auth_Token: x',
    'X-Subject-Token: x',
    'Forwarded: for=127.0.0.1;host=evil.example',
    'X-Forwarded-For: 127.0.0.1',
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Prefix: /realms/branch',
    'X-Real-Ip: 127.0.0.1',
    'X-Original-URL: /admin/clients/victim/token',
    'X-Rewrite-URL: /admin/clients/victim/token',
    'X-Client-Id: svc',
    'X-Tenant-Id: 900000',
    '__proto__: x',
    'constructor: x',
    'toString: x',
    'hasOwnProperty: x',
  ]
  const rightless: readonly Template[] = templates.map(({ headers: _, ...template }) => ({
    ...template,
    headers: template.shape === 'identity' ? [`X-Auth-Token: ${world.victims.bob}`] : [],
  }))
  for (const template of rightless.filter(({ target }) => target !== '/v2.0/tokens')) {
    const plain = await world.refused(bytesOf(template), [template.shape], said(template))
    for (const header of forged) {
      const answer = await world.refused(
        bytesOf(template, [header]),
        [template.shape],
        `${header}, ${said(template)}`,
      )
      assert.deepEqual([answer.status, answer.body], [plain.status, plain.body], header)
    }
  }
})

test('ignores an unknown expectation, and answers normally', async () => {
  const form = ['Content-Type: application/x-www-form-urlencoded']
  for (const expectation of ['100-continue', '200-ok', 'x=y;z', '']) {
    const headers = [...form, basic(SVC), `Expect: ${expectation}`]
    const line = 'POST /api/id/v1/auth/token/introspect HTTP/1.1'
    const given = await world.send(requestBytes({ line, headers, body: `token=${world.victims.access}` }))
    assert.match(given.body.toString(), /^\{"active":true/)
    const refused = requestBytes({ line, headers: [...form, `Expect: ${expectation}`], body: 'token=x' })
    assert.equal((await world.refused(refused, ['oauth'], expectation)).status, 401)
  }
})

test('reads chunked bodies in one piece or many, and pipelined requests in order', async () => {
  const spare = await world.calls.oauthToken(SVC)
  const body = `token=${spare}`
  for (const size of [1, 7, body.length]) {
    const chunks = body.match(new RegExp(`.{1,${size}}`, 'g')) ?? []
    const text = chunks.map((chunk) => `${chunk.length.toString(16)};ext=1\r\n${chunk}\r\n`).join('')
    const headers = [
      basic(SVC),
      'Content-Type: application/x-www-form-urlencoded',
      'Transfer-Encoding: chunked',
    ]
    const line = 'POST /api/id/v1/auth/token/introspect HTTP/1.1'
    const answer = await world.send(requestBytes({ line, headers, body: `${text}0\r\n\r\n` }))
    assert.match(answer.body.toString(), /^\{"active":true/)
  }
  const targets = ['/v2.0', '/nowhere', '/me', '/v3', '/control/v1/grants']
  const pipeline = targets.map((target, at) =>
    requestBytes({
      line: `GET ${target} HTTP/1.1`,
      headers: at === targets.length - 1 ? ['Connection: close'] : [],
    }),
  )
  const answers = await world.sendAll(Buffer.concat(pipeline))
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 404, 403, 200, 401],
  )
})
