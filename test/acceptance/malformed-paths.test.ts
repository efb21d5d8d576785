import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { API_KEY, basic, CLIENT_KEY, FORM_BODY } from '../kit/calls.ts'
import { requestBytes } from '../kit/raw-http.ts'
import { SVC } from '../kit/seed.ts'
import { hostileTest } from './malformed/hostile-test.ts'
import { assertRefusal, type Shape, shapeAt } from './malformed/shapes.ts'
import { HostileWorld, VICTIM } from './malformed/world.ts'

/** Paths that a gateway and a router may read differently. None may reach another handler. */

let world: HostileWorld
before(async () => {
  world = await HostileWorld.open()
})
after(() => world.close())

const hostile = hostileTest(() => world, 'none')

const ANY: readonly Shape[] = ['chat', 'identity', 'identity-v3', 'oauth', 'toy', 'problem']

/** A request with the credentials of every dialect, so that any handler it reaches would act on it. */
function armed(method: string, target: string): Buffer {
  const { victims } = world
  const toy = `X-Toy-Token: ${victims.toy}`
  const body = `token=${victims.access}`
  return requestBytes({
    line: `${method} ${target} HTTP/1.1`,
    headers:
      method === 'POST'
        ? [API_KEY, CLIENT_KEY, `X-Auth-Token: ${victims.root}`, basic(SVC), FORM_BODY]
        : [API_KEY, CLIENT_KEY, `X-Auth-Token: ${victims.root}`, `IM-Authorization: ${victims.chat}`, toy],
    ...(method === 'POST' ? { body } : {}),
  })
}

/** Paths that would end or show something if they were reached. */
function goals(): readonly (readonly [method: string, target: string])[] {
  const { victims } = world
  return [
    ['DELETE', `/admin/clients/${VICTIM}/token`],
    ['GET', '/me'],
    ['DELETE', `/v2.0/tokens/${victims.eve}`],
    ['GET', `/v2.0/tokens/${victims.eve}`],
    ['DELETE', '/v2.0/tokens'],
    ['POST', '/api/id/v1/auth/token/revoke'],
    ['POST', '/api/id/v1/auth/token/introspect'],
    ['GET', '/toy/me'],
  ]
}

async function refusedPath(method: string, target: string): Promise<void> {
  const shape = shapeAt(target)
  await world.refused(armed(method, target), shape === undefined ? ANY : [shape], `${method} ${target}`)
}

const BETWEEN = [
  '%2F',
  '%2f',
  '%5C',
  '%5c',
  '\\',
  '//',
  '/./',
  '/%2e/',
  '/.%2f',
  '%252F',
  '%00/',
  '/%00',
  '/;/',
]
const BEHIND = [
  '%2F',
  '%5C',
  '\\',
  '%00',
  '%3F',
  '%23',
  '#',
  '#x',
  '//',
  ';x',
  ';x=y',
  '%3Bx',
  '.',
  '..',
  '%20',
  '+',
]
const FURTHER = ['/x', '/.', '/..', '/%2e%2e', '/..%2F', '%0d%0a', '%E2%80%8B', '%C0%AF']

hostile('[N01] encoded, doubled and reversed slashes between segments lead nowhere', async () => {
  for (const [method, target] of goals()) {
    for (let at = target.indexOf('/'); at >= 0; at = target.indexOf('/', at + 1)) {
      for (const separator of BETWEEN) {
        const changed = target.slice(0, at) + separator + target.slice(at + 1)
        await refusedPath(method, changed.startsWith('/') ? changed : `/${changed}`)
      }
    }
  }
})

hostile('no suffix of a path keeps its meaning, except one slash', async () => {
  for (const [method, target] of goals()) {
    // Only v2.0 has suffixes for formats, and endpoints of a token.
    const suffixes = target.startsWith('/v2.0') ? [] : ['.json', '.xml', '/endpoints']
    for (const end of [...BEHIND, ...FURTHER, ...suffixes]) await refusedPath(method, target + end)
  }
})

hostile('paths are case-sensitive', async () => {
  for (const [method, target] of goals()) {
    const [last] = target.split('/').slice(-1)
    const changes = new Set([target.toUpperCase(), target.slice(0, 3) + target.slice(3).toUpperCase()])
    for (let at = 1; at < target.length - (last?.length ?? 0); at += 1)
      changes.add(target.slice(0, at) + target.charAt(at).toUpperCase() + target.slice(at + 1))
    changes.delete(target)
    for (const changed of changes) await refusedPath(method, changed)
  }
})

hostile('dot segments, plain, encoded and encoded twice, climb nowhere', async () => {
  const starts = [
    '/me',
    '/v2.0',
    '/v2.0/tokens/x',
    '/v3',
    '/api/id/v1/auth',
    '/control/v1',
    '/healthz',
    '/nowhere',
  ]
  const dots = ['..', '%2e%2e', '%2E.', '.%2e', '%252e%252e', '..;', '..%00', '%c0%ae%c0%ae', '...']
  for (const [method, target] of goals()) {
    for (const start of starts) {
      for (const dot of dots) {
        for (const slash of ['/', '%2F', '%5C']) {
          const up = (slash + dot).repeat(start.split('/').length - 1)
          await refusedPath(method, `${start}${up}${target}`)
        }
      }
    }
  }
})

hostile('a realm is named in one way only, and the system realm in none', async () => {
  const prefixes = [
    '/realms/system',
    '/realms/System',
    '/realms/nowhere',
    '/realms/%64efault',
    '/realms/Default',
    '/realms/default%2F',
    '/realms/default/.',
    '/realms/default/realms/default',
    '/realms//default',
    '/realms/',
    '/realms',
    '/realms/default;x',
    '/realms/%00',
    '/realms/__proto__',
    '/realms/constructor',
    '/Realms/default',
    '/realms/default//',
    '//realms/default',
  ]
  for (const [method, target] of goals()) {
    for (const prefix of prefixes) {
      await world.refused(armed(method, prefix + target), ANY, `${method} ${prefix}${target}`)
    }
  }
})

test('a realm’s paths are answered like those of the default realm, except the control API’s', async () => {
  for (const [method, target] of goals().filter(([given]) => given === 'GET')) {
    const plain = await world.send(armed(method, target))
    const inRealm = await world.send(armed(method, `/realms/default${target}`))
    assert.deepEqual([inRealm.status, inRealm.body], [plain.status, plain.body])
    assert.equal(plain.status, 200)
  }
  const control = armed('POST', '/realms/default/control/v1/grants')
  assertRefusal(await world.send(control), ['problem'], 'control in a realm')
})

hostile('a client id is decoded once and exactly: no other id of the same look ends its tokens', async () => {
  const ids = [
    'victim%20',
    '%20victim',
    'Victim',
    'VICTIM',
    'victim%00',
    'victim%2F',
    'victim%252F',
    '%76ictim%7D',
    'victi%CC%81m',
    '%EF%BD%96ictim',
    'vict%C4%B1m',
    'victim%E2%80%8B',
    'victim%E2%80%AE',
    'victim.',
    'victim%0A',
    'victim+',
    'victim%3F',
    'victim%23',
    'x%2F..%2Fvictim',
    '..%2Fvictim',
    'acme%2Fvictim',
    'victim%ED%A0%80',
    'victim%',
    'victim%4',
    'victim%zz',
    'v'.repeat(257),
    '__proto__',
    'constructor',
    '*',
    '%25',
    '%5F',
    '.',
    '..',
  ]
  for (const id of ids) await refusedPath('DELETE', `/admin/clients/${id}/token`)
})

hostile('a token id in a path is decoded once and exactly', async () => {
  const { eve } = world.victims
  const ids = [
    `${eve}%20`,
    `%20${eve}`,
    `${eve}%2E`,
    `${eve}%00`,
    `${eve}%0A`,
    eve.toLowerCase(),
    eve.toUpperCase(),
    `${eve}${eve}`,
    `${eve},x`,
    `x,${eve}`,
    `${eve}%2Cx`,
    `${eve}%26x`,
    `${eve}%E2%80%8B`,
    `${eve}%ff`,
    eve.replace('_', '%255F'),
    eve.replace('rsi_', 'rsa_'),
    `tokens%2F${eve}`,
    `..%2F${eve}`,
    '%E0%A4%A',
    '%',
    '%ud83d',
    'x'.repeat(8_193),
  ]
  for (const id of ids.filter((text) => text !== eve)) {
    for (const method of ['GET', 'DELETE']) await refusedPath(method, `/v2.0/tokens/${id}`)
    await refusedPath('DELETE', `/v2.0/tokens?tokenId=${id}`)
  }
})
