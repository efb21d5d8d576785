import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CONTROL, JSON_BODY } from '../kit/calls.ts'
import { type RawAnswer, rawExchange, requestBytes } from '../kit/raw-http.ts'
import { BOB, SVC } from '../kit/seed.ts'
import { hostileTest } from './malformed/hostile-test.ts'
import { HostileWorld } from './malformed/world.ts'

/** Paths of the control API, Identity v3 and `/check` in spellings that gateways and routers may read differently. */

let world: HostileWorld
let v3 = ''
before(async () => {
  world = await HostileWorld.open()
  v3 = world.victims.root
})
after(() => world.close())

const hostile = hostileTest(() => world, 'none')

/** Routes with an id. The caller has every right, so a route that is reached does its work. */
function goals(): readonly (readonly [method: string, target: string, headers: readonly string[]])[] {
  const identity = [`X-Auth-Token: ${v3}`]
  return [
    ['DELETE', '/control/v1/keys/first', [CONTROL]],
    ['GET', '/control/v1/keys/first', [CONTROL]],
    ['GET', `/control/v1/clients/${SVC.clientId}`, [CONTROL]],
    ['POST', `/control/v1/clients/${SVC.clientId}/disable`, [CONTROL]],
    ['DELETE', `/control/v1/clients/${SVC.clientId}`, [CONTROL]],
    ['GET', `/control/v1/clients/${SVC.clientId}/grants`, [CONTROL]],
    ['DELETE', `/control/v1/verifiers/orders-api`, [CONTROL]],
    ['GET', `/v3/users/${BOB.id}`, identity],
    ['DELETE', `/v3/users/${BOB.id}`, identity],
    ['DELETE', `/v3/projects/${BOB.tenant}`, identity],
    ['GET', '/v3/auth/projects', identity],
    ['DELETE', '/v3/auth/tokens', [...identity, `X-Subject-Token: ${world.victims.eve}`]],
    ['GET', '/v3/auth/tokens', [...identity, `X-Subject-Token: ${world.victims.eve}`]],
  ]
}

/** Spellings of the slash between two segments. */
const BETWEEN = [
  '%2F',
  '%2f',
  '%5C',
  '\\',
  '//',
  '/./',
  '/%2e/',
  '/x/../',
  '/x/%2e%2e/',
  '%252F',
  '%00/',
  ';/',
  '/;x/',
]
/** Suffixes of a path or its id. */
const BEHIND = [
  '%2F',
  '%5C',
  '%00',
  '%3F',
  '%23',
  '%252F',
  ';',
  ';x=y',
  '%3B',
  '//',
  '/.',
  '/..',
  '/%2e%2e',
  '%20',
  '.json',
  '%0d%0a',
  '%E2%80%8B',
  '%C0%AF',
]

function spelled(target: string): readonly string[] {
  const changed = BEHIND.map((end) => target + end)
  for (let at = target.indexOf('/', 1); at >= 0; at = target.indexOf('/', at + 1)) {
    for (const separator of BETWEEN) changed.push(target.slice(0, at) + separator + target.slice(at + 1))
  }
  const [last = ''] = target.split('/').slice(-1)
  const before = target.slice(0, target.length - last.length)
  changed.push(`/${target}`, target.toUpperCase(), `${before}${last.toUpperCase()}`)
  if (/^[a-z]/.test(last)) changed.push(`${before}%2e%2e%2F${last}`)
  return changed.filter((one) => one !== target)
}

hostile('[N01] [N02] no other spelling of a path of the control API or of v3 reaches a handler', async () => {
  let tried = 0
  for (const [method, target, headers] of goals()) {
    for (const path of spelled(target)) {
      const before = world.writes
      const answer = await world.send(requestBytes({ line: `${method} ${path} HTTP/1.1`, headers }))
      tried += 1
      assert.ok([400, 401, 404, 405].includes(answer.status), `${method} ${path}: ${answer.status}`)
      assert.equal(world.writes, before, `${method} ${path} wrote`)
    }
  }
  assert.ok(tried > 500)
})

hostile('[N03] a path that a gateway has rewritten reaches its own route, with its own guard', async () => {
  // A gateway that decodes separators and removes dots turns `/public/..%2Fcontrol/…` into a path of another route.
  // The request has no credentials for that route, and no header or member changes that.
  const climbed = goals().map(([method, target]) => [method, target] as const)
  const spellings = [
    ['X-Original-URI', '/check'],
    ['X-Forwarded-Uri', '/check'],
    ['X-Rewrite-URL', '/check'],
    ['X-Original-Method', 'GET'],
    ['X-HTTP-Method-Override', 'GET'],
    ['X-Forwarded-Prefix', '/public'],
  ]
  for (const [method, target] of climbed) {
    for (const [name, value] of spellings) {
      const before = world.writes
      const answer = await world.send(
        requestBytes({ line: `${method} ${target} HTTP/1.1`, headers: [`${name}: ${value}`] }),
      )
      assert.equal(answer.status, 401, `${method} ${target} behind ${name}: ${answer.status}`)
      assert.equal(world.writes, before)
    }
  }
})

hostile('[N01] however /check is spelled, it lets nobody pass whose credential is not good', async () => {
  const { access, refresh } = world.victims
  const credentials = [
    [],
    [`Authorization: Bearer ${refresh}`],
    [`Authorization: Bearer ${access}x`],
    [CONTROL],
  ]
  for (const target of ['/check', '/check/p/nobody', '/realms/default/check']) {
    for (const path of [
      target,
      ...spelled(target),
      `${target}/${access}`,
      `${target}?access_token=${access}`,
    ]) {
      for (const headers of credentials) {
        const answer = await world.send(requestBytes({ line: `GET ${path} HTTP/1.1`, headers }))
        assert.ok([400, 401, 404].includes(answer.status), `${path} ${headers.join()}: ${answer.status}`)
      }
    }
  }
})

/** Checks the raw headers of an answer: valid names and values, and no injected line. */
function assertWhole(answer: RawAnswer, what: string): void {
  for (const [name, value] of answer.headers) {
    assert.match(name, /^[a-z0-9-]+$/, what)
    assert.match(value, /^[\t\x20-\x7e]*$/, `${what}: ${name}`)
    assert.ok(!name.startsWith('x-injected'), what)
  }
}

test('[N11] no id injects a line, or a character that becomes one, into the headers of an answer', async () => {
  // The last bytes of U+010A and U+010D are 0x0A and 0x0D.
  const ids = [
    'a%0d%0aX-Injected: 1',
    'a%0aX-Injected: 1',
    'a%0d',
    '%C4%8A',
    'x%C4%8D%C4%8AX-Injected',
    'b%E5%98%8A',
    '%22',
    'ü',
  ]
  const identity = [`X-Auth-Token: ${v3}`]
  for (const id of ids) {
    const paths = [
      `GET /control/v1/clients/${id}`,
      `GET /control/v1/keys/${id}`,
      `GET /check/p/${id}`,
      `GET /check?realm=${id}`,
      `GET /realms/${id}/check`,
      `GET /realms/${id}/v3/auth/tokens`,
      `GET /v2.0/tokens/${id}`,
      `GET /v3/users/${id}`,
      `DELETE /admin/clients/${id}/token`,
    ]
    for (const path of paths) {
      const line = `${path.replaceAll(' X-', '%20X-').replaceAll(': 1', ':%201')} HTTP/1.1`
      const answer = await rawExchange(
        world.server.port,
        requestBytes({ line: Buffer.from(line, 'utf8').toString('latin1'), headers: [CONTROL, ...identity] }),
      )
      assert.ok(answer.status >= 400 && answer.status < 500, `${line}: ${answer.status}`)
      assertWhole(answer, line)
    }
  }
})

test('[N11] an id echoed in Location or a challenge is escaped within its header', async () => {
  const ids = ['Ċ', 'x\u010d\u010aX-Injected', '嘊嘍X-Injected:1', 'é"', 'a"b', 'a\\b']
  for (const id of ids) {
    const body = JSON.stringify({ clientId: id, grantTypes: ['client_credentials'] })
    const made = await world.calls.send('POST /control/v1/clients', [CONTROL, JSON_BODY], body)
    assert.ok([201, 400, 422].includes(made.status), made.body.toString())
    assertWhole(made, `a client ${id}`)
    const profile = JSON.stringify({ name: id })
    const put = await world.calls.send('POST /control/v1/check-profiles', [CONTROL, JSON_BODY], profile)
    assert.ok(put.status < 500)
    assertWhole(put, `a profile ${id}`)
    const user = JSON.stringify({ user: { name: id, password: 'a-password-0123456789' } })
    const created = await world.calls.send('POST /v3/users', [`X-Auth-Token: ${v3}`, JSON_BODY], user)
    assert.ok(created.status < 500)
    assertWhole(created, `a user ${id}`)
    const client = JSON.stringify({ _id: id })
    const chat = await world.calls.send('POST /admin/clients', ['IM-API-KEY: x', JSON_BODY], client)
    assertWhole(chat, `a chat client ${id}`)
  }
})
