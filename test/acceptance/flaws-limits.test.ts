import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { parseStrictJson } from '@rescind/core/bytes'
import { basic, Calls, CONTROL, FORM_BODY, JSON_BODY, memberAt, OAUTH, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { headerOf, latin1, rawExchange, requestBytes } from '../kit/raw-http.ts'
import { ANN, GATEWAY, SVC } from '../kit/seed.ts'

/** What a caller with few rights or none can make the server keep, read or wait for. */

const { server, calls } = await openForFile({
  time: 'hand',
  flags: ['--identity-rate', '0', '--control-rate', '0'],
})

/** Sends, and resolves with everything that came until the server ended the connection. */
async function sayAll(bytes: Buffer): Promise<string> {
  const socket = connect(server.port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(bytes)
  await once(socket, 'close')
  return text
}

const status = (text: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1])

test('[P05] headers past the limit are 431, in one line or in many, and the next request is answered', async () => {
  const lines = [
    [`X-Long: ${'a'.repeat(70_000)}`],
    Array.from({ length: 1_800 }, (_, nth) => `X-Many-${nth}: ${'b'.repeat(32)}`),
    [`Cookie: ${'c=d; '.repeat(15_000)}`],
  ]
  for (const headers of lines) {
    const text = await sayAll(requestBytes({ line: 'GET /me HTTP/1.1', headers }))
    assert.equal(status(text), 431, text.slice(0, 200))
  }
  assert.equal((await calls.send('GET /healthz')).status, 200)
})

test('[P05] a body whose chunks are all extension is refused before it uses more than its size as a whole', async () => {
  const head = latin1(
    `POST ${OAUTH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${basic(SVC)}\r\n${FORM_BODY}\r\nTransfer-Encoding: chunked\r\n\r\n`,
  )
  const flood = latin1(`1;${'e'.repeat(40_000)}\r\na\r\n`)
  const text = await sayAll(Buffer.concat([head, flood, flood, latin1('0\r\n\r\n')]))
  assert.ok([400, 413].includes(status(text)), text.slice(0, 200))
  const small = latin1(`1;x=y\r\na\r\n`.repeat(4_000))
  const many = await sayAll(Buffer.concat([head, small, latin1('0\r\n\r\n')]))
  assert.ok([400, 413].includes(status(many)), many.slice(0, 200))
})

test('[P06] HTTP/2 is not supported: not by its preface, an upgrade or its settings', async () => {
  const preface = await sayAll(latin1('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'))
  assert.doesNotMatch(preface, /^\0/)
  assert.ok(preface === '' || status(preface) === 400, preface.slice(0, 100))
  for (const upgrade of ['h2c', 'HTTP/2.0', 'h2', 'websocket']) {
    const answer = await rawExchange(
      server.port,
      requestBytes({
        line: 'GET /healthz HTTP/1.1',
        headers: [
          'Connection: Upgrade, HTTP2-Settings',
          `Upgrade: ${upgrade}`,
          'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA',
        ],
      }),
    )
    assert.notEqual(answer.status, 101)
    assert.equal(headerOf(answer, 'upgrade'), undefined)
  }
})

/** Members whose names V8 treats as integers, and which it once hashed to the same slot. */
function collidingObject(bytes: number): string {
  const members: string[] = []
  let length = 2
  for (let key = 0; length < bytes; key += 1) {
    const member = `"${key * 2 ** 16}":0`
    members.push(member)
    length += member.length + 1
  }
  return `{${members.join()}}`
}

test('[P07] a body with colliding names costs no more than one of the same size without', async () => {
  const colliding = Buffer.from(collidingObject(64_000))
  const letters = Buffer.from(collidingObject(64_000).replaceAll(/"(\d+)"/g, '"k$1"'))
  const cost = (body: Buffer): number => {
    let best = Number.POSITIVE_INFINITY
    for (let round = 0; round < 7; round += 1) {
      const start = process.cpuUsage().user
      parseStrictJson(body)
      best = Math.min(best, process.cpuUsage().user - start)
    }
    return best / 1_000
  }
  cost(letters)
  assert.ok(cost(colliding) < 10 + 5 * cost(letters), `${cost(colliding)} ms, others ${cost(letters)} ms`)
  const answer = await calls.send('POST /v2.0/tokens', [JSON_BODY], colliding)
  assert.equal(answer.status, 400)
})

test('[P08] declared bodies that never arrive take no memory, and need no credentials to be refused', async () => {
  const before = process.memoryUsage().rss
  const sockets: Socket[] = []
  const answers: Promise<string>[] = []
  for (let nth = 0; nth < 300; nth += 1) {
    const path = ['/v2.0/tokens', '/v3/auth/tokens', '/admin/clients', '/control/v1/revocations', OAUTH][
      nth % 5
    ]
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => {})
    sockets.push(socket)
    answers.push(once(socket, 'data').then(([chunk]) => (chunk as Buffer).toString('latin1')))
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n`,
    )
  }
  for (const text of await Promise.all(answers))
    assert.ok([401, 413].includes(status(text)), text.slice(0, 80))
  const grownMb = (process.memoryUsage().rss - before) / 2 ** 20
  for (const socket of sockets) socket.destroy()
  assert.ok(grownMb < 100, `${grownMb} MB for 300 GB that were declared`)
})

test('[P10] readers that leave before their answer leave nothing behind', async () => {
  const token = await calls.oauthToken(SVC)
  const waiting = async (): Promise<string> =>
    /^rescind_units_waiting (\d+)$/m.exec(
      (await calls.send('GET /metrics', [CONTROL])).body.toString(),
    )?.[1] ?? 'no such metric'
  const idle = await waiting()
  const question = requestBytes({
    line: `POST ${OAUTH}/introspect HTTP/1.1`,
    headers: [basic(GATEWAY), FORM_BODY],
    body: `token=${token}`,
  })
  const dice = [0, 20, 60, question.length - 1, question.length]
  for (let nth = 0; nth < 2_000; nth += 1) {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(question.subarray(0, dice[nth % dice.length]))
    if (nth % 2 === 0) socket.resetAndDestroy()
    else socket.destroy()
  }
  assert.equal(await calls.isActive(GATEWAY, token), true)
  assert.equal(await waiting(), idle)
  assert.equal((await calls.oauthRevoke(SVC, token)).status, 200)
  assert.equal(await calls.isActive(GATEWAY, token), false)
})

test('[A14] concurrent callers on many connections each get the answer for their own token', async () => {
  const workers = Array.from({ length: 32 }, () => new Calls(server.port))
  const bearers = await Promise.all(
    workers.map(async (worker, nth) => ({
      lane: worker,
      nth,
      token: (await worker.oauthGrant(`subject-${nth}`)).access,
    })),
  )
  let asked = 0
  await Promise.all(
    bearers.map(async ({ lane: worker, nth, token }) => {
      for (let round = 0; round < 60; round += 1) {
        const other = bearers[(nth + round) % bearers.length]
        const [own, its] = [
          await worker.introspect(GATEWAY, token),
          await worker.introspect(GATEWAY, other?.token ?? ''),
        ]
        assert.equal(textAt(own, 'sub'), `subject-${nth}`)
        assert.equal(textAt(its, 'sub'), `subject-${other?.nth}`)
        const checked = await worker.send('GET /check', [`Authorization: Bearer ${token}`])
        assert.equal(headerOf(checked, 'x-auth-subject'), `subject-${nth}`)
        asked += 3
      }
    }),
  )
  for (const worker of workers) worker.close()
  assert.equal(asked, 32 * 60 * 3)
})

test('[K07] no list can be filtered or sorted by a digest, a secret or a prefix of a token', async () => {
  const { access } = await calls.oauthGrant('listed')
  const digestOf = [
    'digest',
    'token',
    'secret',
    'keyDigest',
    'key',
    'prefix',
    'q',
    'sort',
    'order',
    'filter',
    'hash',
    'password',
    'apiKey',
  ]
  const lists = [
    '/tokens',
    '/clients',
    '/keys',
    '/verifiers',
    '/issuers',
    '/chat-apps',
    '/revocations',
    '/holds',
    '/audit',
    '/check-profiles',
  ]
  for (const list of lists) {
    const plain = await calls.send(`GET /control/v1${list}`, [CONTROL])
    assert.equal(plain.status, 200, `${list}: ${plain.body.toString()}`)
    assert.ok(!plain.body.toString().includes(access))
    for (const name of digestOf) {
      if (name === 'order' && list === '/audit') continue
      for (const value of ['a', 'rsa_', access.slice(0, 8), '^r.*', '%', '*']) {
        const asked = await calls.send(`GET /control/v1${list}?${name}=${encodeURIComponent(value)}`, [
          CONTROL,
        ])
        // Some names are those of public ids (a signing key's thumbprint), which match only as a whole.
        const isEmpty = /^\{"[a-zA-Z]+":\[\]\}$/.test(asked.body.toString())
        assert.ok(
          [400, 422].includes(asked.status) || (asked.status === 200 && isEmpty),
          `${list}?${name}=${value}: ${asked.status} ${asked.body.toString().slice(0, 200)}`,
        )
      }
    }
  }
  const login = await calls.identityToken(ANN)
  const lookup = await calls.control('POST /tokens/lookup', { token: access.slice(0, 20) })
  // A part of a token is recognised by its form, and matches none.
  assert.equal(lookup.status, 422)
  const users = await calls.send('GET /v3/users?password=ann&apiKey=ann', [`X-Auth-Token: ${login}`])
  const all = await calls.send('GET /v3/users', [`X-Auth-Token: ${login}`])
  assert.deepEqual(
    [users.status, users.body.toString().replaceAll(/\?[^"]*/g, '')],
    [all.status, all.body.toString()],
  )
  assert.equal(memberAt(lookup, 'status'), 422)
})
