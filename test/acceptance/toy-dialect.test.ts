import assert from 'node:assert/strict'
import { test } from 'node:test'
import { issueTokens, mintText, PREFIX, type Realm } from '@rescind/authority'
import { ContractBroken, SettingsRefused } from '@rescind/core'
import {
  checkConfig,
  type DialectModule,
  explainSettings,
  MODULES,
  resolveSettings,
  settingsOf,
} from '@rescind/server'
import { z } from 'zod'
import { settingsAsFlags } from '../../cli/frame/setting-flags.ts'
import { Sources } from '../../server/rules/sources.ts'
import { Calls, CONTROL, jsonOf, memberAt, succeeded, textAt } from '../kit/calls.ts'
import { openForFile, openServer } from '../kit/in-process.ts'
import { openWorld } from '../kit/realm.ts'
import { GATEWAY, SEED } from '../kit/seed.ts'
import { toyToken, withToyUsers } from '../kit/toy-dialect/calls.ts'
import { TOY_KEY, TOY_USER } from '../kit/toy-dialect/hostile.ts'
import { TOY } from '../kit/toy-dialect/module.ts'

/** What the server does for a dialect that none of its files name. malformed.test.ts covers malformed requests. */

const WITH_TOY: readonly DialectModule[] = [...MODULES, TOY]
const { calls, server } = await openForFile({
  modules: [...MODULES, TOY],
  seed: withToyUsers(SEED),
  time: 'hand',
})

const SUBJECT = { source: 'toy', subject: TOY_USER.name }

async function isAllowed(token: string): Promise<boolean> {
  const { status } = await calls.send('GET /check', [`Authorization: Bearer ${token}`])
  assert.ok(status === 200 || status === 401, String(status))
  return status === 200
}

async function verdictOf(token: string): Promise<unknown> {
  return memberAt(await calls.control('POST /verify', { token }), 'verdict', 'kind')
}

async function isAuthenticated(token: string): Promise<unknown> {
  const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } }
  return memberAt(await calls.control('POST /token-review', review), 'status', 'authenticated')
}

async function assertLives(token: string, isLive: boolean): Promise<void> {
  assert.equal(await isAllowed(token), isLive)
  assert.equal(await verdictOf(token), isLive ? 'active' : 'inactive')
  assert.equal(await isAuthenticated(token), isLive)
  assert.equal(await calls.isActive(GATEWAY, token), isLive)
}

test('its seed created a user who can log in, and the token is live on every read path', async () => {
  const token = await toyToken(calls)
  assert.match(token, /^toy_[0-9A-Za-z]{36}$/)
  await assertLives(token, true)
  const body = { token }
  succeeded(await calls.json('POST /toy/revoke', body, TOY_KEY), 'revoking')
  await assertLives(token, false)
  assert.equal((await calls.json('POST /toy/revoke', body, TOY_KEY)).status, 404)
})

test('a rule over its source is counted in a preview, and ends its tokens', async () => {
  const token = await toyToken(calls)
  const rule = { target: SUBJECT, reason: 'r' }
  const shown = succeeded(await calls.control('POST /revocations', { ...rule, dryRun: true }), 'a preview')
  const { tokens, complete } = jsonOf(shown) as { tokens: number; complete: boolean }
  assert.deepEqual([tokens, complete], [1, true])
  succeeded(await calls.control('POST /revocations', rule), 'a rule')
  await assertLives(token, false)
  await assertLives(await toyToken(calls), true)
})

test('a hold over its source stops its tokens and its logins until it is released', async () => {
  const token = await toyToken(calls)
  const hold = { target: SUBJECT, reason: 'r', seconds: 60, atDeadline: 'release' }
  const id = textAt(succeeded(await calls.control('POST /holds', hold), 'a hold'), 'id')
  await assertLives(token, false)
  assert.equal((await calls.send('POST /toy/login', [TOY_KEY])).status, 403)
  succeeded(await calls.control(`POST /holds/${id}/release`, {}), 'a release')
  await assertLives(token, true)
})

test('an unknown source is refused, and so is a name below a source that has none', async () => {
  for (const source of ['toys', 'toy/one', 'toy/', 'chat', 'oauth/x']) {
    const answer = await calls.control('POST /revocations', { target: { source }, reason: 'r', dryRun: true })
    assert.equal(answer.status, 422, source)
  }
})

test('its leaked token is found in a line and ended; its leaked key is reported', async () => {
  const token = await toyToken(calls)
  // A streamed body closes its connection, so use a new one.
  const own = new Calls(server.port)
  const line = 'POST /control/v1/revocations/bulk?dryRun=false&reason=leak'
  const answer = succeeded(
    await own.send(line, [CONTROL, 'Content-Type: text/plain'], `x=1 ${token}, y\nkey=${TOY_USER.key}\n`),
    line,
  )
  own.close()
  assert.match(answer.body.toString(), /"result":"revoked"[^\n]*"source":"toy"/)
  assert.match(answer.body.toString(), /"credential":"toyKey"/)
  await assertLives(token, false)
})

test('its token in free text is replaced by its handle', async () => {
  const token = await toyToken(calls)
  const rule = { target: { source: 'toy', subject: 'nobody' }, reason: `found ${token}` }
  const rows = succeeded(await calls.control('POST /revocations', rule), 'a rule')
  const id = textAt(rows, 'id')
  const { reason } = jsonOf(await calls.control(`GET /revocations/${id}`)) as { reason: string }
  const handle = textAt(await calls.control('POST /verify', { token }), 'facts', 'handle')
  assert.equal(reason, `found ${handle}`)
})

test('its user is found by name, with the tokens and a target', async () => {
  await toyToken(calls)
  const found = jsonOf(succeeded(await calls.control('POST /find', { text: TOY_USER.name }), 'find'))
  const { findings, searched } = found as { findings: object[]; searched: { sources: string[] }[] }
  const [user] = findings as { kind: string; source: string; target: object }[]
  assert.deepEqual([user?.kind, user?.source, user?.target], ['toyUser', 'toy', SUBJECT])
  assert.ok(searched[0]?.sources.includes('toy'))
})

test('OpenAPI lists its resource and its source, and the resource answers', async () => {
  const document = (await calls.control('GET /openapi.json')).body.toString()
  assert.match(document, /"operationId":"listToyUsers"/)
  assert.match(document, /Whose names these are: oauth, identity, toy, chat\/\{app\}, iss:\{issuer\};/)
  assert.deepEqual(jsonOf(await calls.control('GET /toy-users')), { names: [TOY_USER.name] })
})

test('its setting is read from a flag, explained, listed in the help, and refused if invalid', () => {
  const settings = settingsOf(WITH_TOY)
  const told = (flag: string) =>
    resolveSettings({ flags: ['--toy-life-seconds', flag], environment: {}, file: undefined }, settings)
  assert.match(explainSettings(told('7')), /^toyLifeSeconds +7 +flag$/m)
  const flag = settingsAsFlags(settings).find(({ name }) => name === 'toy-life-seconds')
  assert.deepEqual([flag?.environment, flag?.preset], ['RESCIND_TOY_LIFE_SECONDS', '600'])
  assert.throws(
    () => checkConfig(told('x')),
    new SettingsRefused('toyLifeSeconds: a whole number from 0 to 3600'),
  )
})

test('its setting decides how long its tokens live', async () => {
  const short = await openServer({
    modules: WITH_TOY,
    seed: withToyUsers(SEED),
    time: 'hand',
    flags: ['--toy-life-seconds', '5'],
  })
  const own = new Calls(short.port)
  const header = `X-Toy-Token: ${await toyToken(own)}`
  assert.equal((await own.send('GET /toy/me', [header])).status, 200)
  short.clock.advance(5_000)
  assert.equal((await own.send('GET /toy/me', [header])).status, 401)
  own.close()
  await short.close()
})

const SETTING = { fallback: 'x', help: 'h', parse: (text: string): string => text, insecure: undefined }

/** Issues one token of a kind and a source, in a realm that knows which kinds dialects mint. */
function mint(realm: Realm, kind: 'access' | 'chat'): ReturnType<typeof issueTokens> {
  const facts = {
    source: 'toy',
    ancestors: [],
    position: realm.position(),
    expiresAtMs: Number.MAX_SAFE_INTEGER,
  }
  return issueTokens(realm, {
    judgedAt: realm.position(),
    caller: { id: 'toy:tim', from: 'local', dependency: { realm: realm.ordinal, facts } },
    tokens: [
      {
        ...{ source: 'toy', kind, raw: mintText(PREFIX.access, realm.random) },
        expiresAtMs: realm.nowMs() + 1_000,
      },
    ],
  })
}

test('minting a kind that it did not declare is a bug, and so is minting without its module', async () => {
  const { minting } = new Sources(WITH_TOY)
  const { realm } = await openWorld(undefined, { minting })
  assert.equal((await mint(realm, 'access')).kind, 'issued')
  await assert.rejects(mint(realm, 'chat'), ContractBroken)
  const without = await openWorld(undefined, { minting: new Sources(MODULES).minting })
  await assert.rejects(mint(without.realm, 'access'), ContractBroken)
})

test('modules that conflict are refused at the start', async () => {
  const other: DialectModule = { ...TOY, name: 'other', sources: [{ form: 'other' }], prefixes: ['other_'] }
  const apart: DialectModule = { ...other, paths: ['/other'], settings: {}, resources: [] }
  const { seed: _seed, ...alone } = apart
  const clashes: readonly (readonly [string, DialectModule])[] = [
    ['name', { ...alone, name: 'toy' }],
    ['source', { ...alone, sources: [{ form: 'toy/{room}' }] }],
    ['source', { ...alone, sources: [{ form: 'control' }] }],
    ['source', { ...alone, sources: [{ form: 'iss:https:/{host}' }] }],
    ['share a prefix', { ...alone, prefixes: ['toy_'] }],
    ['begin with another', { ...alone, prefixes: ['toy_more_'] }],
    ['begin with another', { ...alone, prefixes: ['rsa_x_'] }],
    ['paths', { ...alone, paths: ['/toy'] }],
    ['paths', { ...alone, paths: ['/toy/below'] }],
    ['paths', { ...alone, paths: ['/v2.0/tokens'] }],
    ['paths', { ...alone, paths: ['/control/v1/toy'] }],
    ['paths', { ...alone, paths: ['/metrics'] }],
    ['setting', { ...alone, settings: TOY.settings }],
    ['setting', { ...alone, settings: { logLevel: SETTING } }],
    ['member of a seed', { ...alone, seed: { members: { verifiers: z.unknown() }, create: async () => 0 } }],
    ['member of a seed', apart.seed === undefined ? alone : { ...alone, seed: apart.seed }],
  ]
  for (const [what, module] of clashes) {
    const opened = openServer({ modules: [...WITH_TOY, module], time: 'hand' })
    await assert.rejects(
      opened,
      (error) => error instanceof ContractBroken && error.message.includes(what),
      what,
    )
  }
  const both = await openServer({ modules: [...WITH_TOY, alone], time: 'hand' })
  await both.close()
})
