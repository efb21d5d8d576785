import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { test } from 'node:test'
import {
  collectExpired,
  type Operation,
  putToken,
  recordOf,
  revokeToken,
  type Store,
  sealTokenText,
} from '@rescind/authority'
import { RawToken } from '@rescind/core/tokens'
import { MemoryStore } from '@rescind/stores'
import { START_MS } from '../../test/kit/realm.ts'
import { spellingsOf } from '../../test/kit/spellings.ts'
import { onBothStores } from '../../test/kit/stores.ts'
import type { ExternalAsk, ExternalReply } from './external-verification.ts'
import { assertError, type ChatWorld, openChat, type Reply, tokenPath } from './fixture.test.ts'

const NOW = START_MS / 1_000
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

type Issuer = {
  sign(claims: object): string
  /** Accepts any spelling that decodes to a valid signature, as lenient JWT libraries do. */
  vouches(token: string): Readonly<Record<string, unknown>> | undefined
}

const RSA = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const CURVES = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1', ES256K: 'secp256k1' } as const
const HASHES: Readonly<Record<string, string>> = { ES384: 'sha384', ES512: 'sha512' }

type Alg = keyof typeof CURVES | 'RS256'

function issuerOf(alg: Alg): Issuer {
  const { privateKey, publicKey } =
    alg === 'RS256' ? RSA : generateKeyPairSync('ec', { namedCurve: CURVES[alg] })
  const options = (key: KeyObject): { key: KeyObject; dsaEncoding: 'ieee-p1363' } => ({
    key,
    dsaEncoding: 'ieee-p1363',
  })
  const hash = HASHES[alg] ?? 'sha256'
  return {
    sign: (claims) => {
      const input = `${part({ alg, typ: 'JWT' })}.${part(claims)}`
      return `${input}.${sign(hash, Buffer.from(input), options(privateKey)).toString('base64url')}`
    },
    vouches: (token) => {
      const [header = '', payload = '', signature = ''] = token.trim().split('.')
      const bytes = Buffer.from(signature, 'base64url')
      const isGood = verify(hash, Buffer.from(`${header}.${payload}`), options(publicKey), bytes)
      return isGood
        ? (JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>)
        : undefined
    },
  }
}

type External = { readonly world: ChatWorld; readonly asked: string[]; me(token: string): Promise<Reply> }

async function openExternal(issuer: Issuer, store?: Store): Promise<External> {
  const asked: string[] = []
  const askExternal = async ({ token }: ExternalAsk): Promise<ExternalReply> => {
    asked.push(token)
    const { sub, exp, iat } = issuer.vouches(token) ?? {}
    const said = sub === undefined ? {} : { id: sub, exp, iat }
    return { kind: 'answer', status: sub === undefined ? 401 : 200, body: Buffer.from(JSON.stringify(said)) }
  }
  const app = { verifyUrl: 'https://verify.example/verify' }
  const world = await openChat({ app, options: { askExternal }, ...(store === undefined ? {} : { store }) })
  return { world, asked, me: (token) => world.user('GET', '/me', { token }) }
}

const CLAIMS = { sub: 'u1', iat: NOW, exp: NOW + 3_600 }
const WITH_JTI = { ...CLAIMS, iss: 'https://login.example', jti: 'j-1' }

type Way = (world: ChatWorld, token: string) => Promise<unknown>

/** Every way in which a token of an app can be ended or suspended. */
const WAYS: Readonly<Record<string, Way>> = {
  'by its text': (world, token) => world.admin('DELETE', tokenPath('u1'), { token }),
  'by logout': (world, token) => world.user('POST', '/me/logout', { token }),
  'with all of its client': (world) => world.admin('DELETE', tokenPath('u1')),
  'by a rule on the token': async ({ realm, recordOf }, token) => {
    const record = (await recordOf(token)) ?? assert.fail('no record')
    const dependency = { realm: realm.ordinal, facts: { ...record, position: realm.position() } }
    await revokeToken(realm, record, {
      caller: { id: 'control:ops', from: 'local', dependency },
      how: 'test',
    })
  },
  'by a hold on the token': async ({ realm, recordOf }, token) => {
    const { source, digest, handle } = (await recordOf(token)) ?? assert.fail('no record')
    const target = { kind: 'token', source, digest, handle } as const
    const audit = { by: 'test', from: 'local', how: 'test' }
    const row = realm.row({ kind: 'hold', id: 'hold_1', target }, audit)
    const operations: readonly Operation[] = [{ kind: 'append', row }]
    await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  },
}

/** Ends a token of an external verifier, and tries every spelling of it on every route. */
async function tryAll(
  alg: Alg,
  way: string,
  { claims, store }: { claims: object; store: Store },
): Promise<void> {
  const issuer = issuerOf(alg)
  const { world, asked, me } = await openExternal(issuer, store)
  const token = issuer.sign(claims)
  assert.equal((await me(token)).status, 200)
  await WAYS[way]?.(world, token)
  const spellings = spellingsOf(token)
  // The verifier is as lenient as common ones, so it accepts the kit's spellings.
  const taken = spellings.filter(({ text }) => issuer.vouches(text) !== undefined).map(({ how }) => how)
  assert.ok(taken.includes('two ='), String(taken))
  assert.equal(taken.includes('s turned into n - s'), alg !== 'RS256')
  for (const { how, text } of [{ how: 'as it was', text: token }, ...spellings]) {
    assertError(await me(text), 401, 'INVALID_TOKEN')
    assertError(await world.user('POST', '/me/logout-others', { token: text }), 401, 'INVALID_TOKEN')
    const bound = await world.admin('PUT', tokenPath('u1'), { token: text })
    assert.ok([400, 403, 409].includes(bound.status), `${how}: ${bound.text}`)
  }
  if (!way.startsWith('by a hold'))
    assert.deepEqual(asked, [token], 'nobody outside is asked about what was ended')
}

for (const way of Object.keys(WAYS)) {
  for (const alg of ['ES256', 'RS256'] as const) {
    for (const [known, claims] of [
      ['what was signed', CLAIMS],
      ['iss and jti', WITH_JTI],
    ] as const)
      onBothStores(
        `[H14] [D01] an ${alg} token, known by ${known}, ended ${way}, is dead in every spelling`,
        (store) => tryAll(alg, way, { claims, store }),
      )
  }
}

for (const alg of ['ES384', 'ES512', 'ES256K'] as const)
  test(`[H14] [D03] a second valid signature of ${alg} is the same token`, () =>
    tryAll(alg, 'by its text', { claims: CLAIMS, store: new MemoryStore(START_MS) }))

test('[H14] a token signed again with the same issuer and jti is the same token, and equally dead', async () => {
  const issuer = issuerOf('ES256')
  const { world, asked, me } = await openExternal(issuer)
  const [first, second] = [
    issuer.sign(WITH_JTI),
    issuer.sign({ ...WITH_JTI, iat: NOW + 1, exp: NOW + 7_200 }),
  ]
  assert.equal((await me(first)).status, 200)
  await world.admin('DELETE', tokenPath('u1'), { token: first })
  assertError(await me(second), 401, 'INVALID_TOKEN')
  assert.deepEqual(asked, [first])
  const others = [{ ...WITH_JTI, jti: 'j-2' }, { ...WITH_JTI, iss: 'https://other.example' }, CLAIMS]
  for (const claims of others) assert.equal((await me(issuer.sign(claims))).status, 200)
})

test('[H14] a live token is accepted by its verified text, and by no forged signature', async () => {
  const issuer = issuerOf('ES256')
  const { world, asked, me } = await openExternal(issuer)
  const token = issuer.sign(CLAIMS)
  assert.equal((await me(token)).status, 200)
  for (const { how, text, of } of spellingsOf(token)) {
    asked.length = 0
    world.clock.advance(1_000)
    const isVouchedFor = of === 'signature' && issuer.vouches(text) !== undefined
    const reply = await me(text)
    assert.equal(reply.status, isVouchedFor ? 200 : 401, how)
    // Text that only looks like a JWS is shown to no verify URL.
    assert.deepEqual(asked, of === 'signature' ? [text] : [], how)
    assertError(await world.admin('POST', '/verify', { token: text }), 401, 'INVALID_TOKEN')
    const badges = await world.user('POST', '/badges/', { token, value: { tokens: [text] } })
    assert.deepEqual(badges.json.result.data, [], how)
  }
  assert.equal((await world.admin('GET', '/auths/tokens')).json.result.data.length, 1, 'it stays one token')
})

test('[H14] revoking any spelling of a token ends it', async () => {
  const issuer = issuerOf('ES256')
  for (const { how, text, of } of spellingsOf(issuer.sign(CLAIMS))) {
    if (of !== 'signature') continue
    const { world, me } = await openExternal(issuer)
    const token = issuer.sign(CLAIMS)
    const named = `${token.slice(0, token.lastIndexOf('.'))}.${text.slice(text.lastIndexOf('.') + 1)}`
    assert.equal((await me(token)).status, 200)
    assert.equal((await world.admin('DELETE', tokenPath('u1'), { token: named })).status, 200, how)
    assertError(await me(token), 401, 'INVALID_TOKEN')
  }
})

test('[H14] one text of a bound JWS is accepted, no other client can bind it, and nobody can once it is revoked', async () => {
  const issuer = issuerOf('ES256')
  const world = await openChat()
  await world.client('u1')
  await world.client('u2')
  for (const claims of [CLAIMS, WITH_JTI]) {
    const token = issuer.sign(claims)
    assert.equal((await world.admin('PUT', tokenPath('u1'), { token })).status, 200)
    assert.equal(
      (await world.admin('PUT', tokenPath('u1'), { token })).status,
      200,
      'its expiry can be moved',
    )
    const tried = spellingsOf(token)
    for (const { how, text, of } of tried) {
      assertError(await world.user('GET', '/me', { token: text }), 401, 'INVALID_TOKEN')
      for (const client of ['u1', 'u2']) {
        const bound = await world.admin('PUT', tokenPath(client), { token: text })
        assert.equal(bound.status, of === 'text' ? 400 : 409, how)
      }
    }
    assert.equal((await world.user('GET', '/me', { token })).status, 200)
    await world.admin('DELETE', tokenPath('u1'), { token })
    const barred = async (): Promise<void> => {
      for (const { how, text, of } of tried) {
        const bound = await world.admin('PUT', tokenPath('u2'), { token: text })
        assert.equal(bound.status, of === 'text' ? 400 : 409, how)
      }
      assertError(await world.admin('PUT', tokenPath('u2'), { token }), 409, 'TOKEN_CONFLICT')
    }
    await barred()
    // This holds without its record too, because the tombstone names the token, not its spelling.
    world.clock.advance(8 * 86_400_000)
    world.realms.ledger.raiseFloor(world.realm.nowMs())
    await world.realms.ledger.settleFloor()
    assert.ok((await collectExpired(world.realms, world.store)) > 0)
    await barred()
  }
})

test('[H14] our own JWT is identified by its bytes: respelled it is unknown, shown to nobody, and never bound', async () => {
  const issuer = issuerOf('ES256')
  const { world, asked, me } = await openExternal(issuer)
  const [live = '', dead = ''] = await world.client('u1', 2)
  await world.user('POST', '/me/logout', { token: dead })
  for (const { how, text } of [...spellingsOf(live), ...spellingsOf(dead)]) {
    assertError(await me(text), 401, 'INVALID_TOKEN')
    const bound = await world.admin('PUT', tokenPath('u1'), { token: text })
    assertError(bound, 400, 'INVALID_REQUEST')
    assertError(await world.admin('DELETE', tokenPath('u1'), { token: text }), 404, 'TOKEN_NOT_FOUND')
    assert.ok(!(await world.isLive(live).then((is) => !is)), how)
  }
  assert.deepEqual(asked, [])
})

/** A record of an earlier version, which identified a JWS by the digest of its bytes. */
async function keepAsBefore({ realm }: ChatWorld, text: string): Promise<void> {
  const raw = RawToken.parse(text) ?? assert.fail('no token')
  const at = { position: realm.position(), issuedAtMs: realm.nowMs() }
  const principals = { source: 'chat/acme', client: 'u1', subject: 'u1' }
  const intent = { ...principals, kind: 'assigned', raw, expiresAtMs: realm.nowMs() + 86_400_000 } as const
  const { spelling: _, ...record } = recordOf(realm, intent, at)
  const digest = raw.digest(realm.keys.digestKey)
  const old = { ...record, digest, claims: { outside: true } }
  const sealing = { keys: realm.keys, realm: realm.name, raw, random: realm.random }
  const operations = [putToken({ ...old, sealed: sealTokenText(old, sealing) })]
  const outcome = await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  assert.equal(outcome.kind, 'applied')
}

onBothStores('[H14] a JWS stored by its bytes is still found, listed and ended', async (store) => {
  const issuer = issuerOf('ES256')
  const { world, asked, me } = await openExternal(issuer, store)
  await world.client('u1')
  const [first, second] = [issuer.sign(CLAIMS), issuer.sign(WITH_JTI)]
  const loose = `${issuer.sign({ ...CLAIMS, iat: NOW + 1 })}==`
  for (const token of [first, second]) {
    await keepAsBefore(world, token)
    assert.equal((await me(token)).status, 200)
    assertError(await world.admin('PUT', tokenPath('u2'), { token }), 404, 'CLIENT_NOT_FOUND')
  }
  assert.deepEqual(asked, [])
  assert.equal((await world.admin('DELETE', tokenPath('u1'), { token: first })).status, 200)
  const { json } = await world.admin('DELETE', tokenPath('u1'))
  assert.deepEqual(
    json.result.data.map(({ token }) => token),
    [second],
  )
  for (const token of [first, second]) {
    assertError(await me(token), 401, 'INVALID_TOKEN')
    assertError(await world.admin('PUT', tokenPath('u1'), { token }), 409, 'TOKEN_CONFLICT')
  }
  assert.deepEqual(asked, [])
  assertError(await me(loose), 401, 'INVALID_TOKEN')
})

for (const alg of ['ES256', 'ES384', 'ES512', 'ES256K'] as const) {
  onBothStores(
    `[H14] [F10] a second signature of an ${alg} token stored by its bytes is refused, whatever its state`,
    async (store) => {
      const issuer = issuerOf(alg)
      const { world, asked, me } = await openExternal(issuer, store)
      await world.client('u1')
      await world.client('u2')
      for (const claims of [CLAIMS, WITH_JTI]) {
        const token = issuer.sign(claims)
        const twin = spellingsOf(token).find(({ how }) => how === 's turned into n - s')?.text ?? ''
        assert.ok(issuer.vouches(twin) !== undefined)
        await keepAsBefore(world, token)
        const isShut = async (when: string): Promise<void> => {
          assertError(await me(twin), 401, 'INVALID_TOKEN')
          for (const client of ['u1', 'u2'])
            assertError(await world.admin('PUT', tokenPath(client), { token: twin }), 409, 'TOKEN_CONFLICT')
          assert.deepEqual(asked, [], when)
        }
        await isShut('live')
        assert.equal((await me(token)).status, 200, 'the text that was kept is let in')
        assert.equal((await world.admin('DELETE', tokenPath('u1'), { token })).status, 200)
        await isShut('ended')
      }
      world.clock.advance(8 * 86_400_000)
      world.realms.ledger.raiseFloor(world.realm.nowMs())
      await world.realms.ledger.settleFloor()
      assert.ok((await collectExpired(world.realms, world.store)) > 0)
    },
  )
}
