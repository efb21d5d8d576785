import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CONTROL, memberAt, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { Provider } from '../kit/provider.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { SVC } from '../kit/seed.ts'

/**
 * [H12] Rules were once dropped while their tokens were live or still being minted: 402 days later the tokens were
 * accepted again.
 */

const DAY_MS = 86_400_000
const KEEP_MS = 400 * DAY_MS + 600_000
const CLAIMS = { client: 'azp', session: 'sid', tenant: 'org', authenticatedAt: 'auth_time' }
const { server, calls } = await openForFile({
  time: 'hand',
  flags: ['--allow-internal-fetch', '--control-rate', '0'],
})
let idp: Provider

before(async () => {
  idp = await Provider.open('https://idp.example/', () => server.clock.wallMs() / 1_000)
  assert.equal((await register(idp, {})).status, 201)
})

after(() => idp.close())

const seconds = (): number => server.clock.wallMs() / 1_000

function register({ issuer, jwksUrl }: Provider, more: object): Promise<RawAnswer> {
  return calls.control('POST /issuers', { issuer, jwksUrl, claims: CLAIMS, ...more })
}

/** @returns how long the receipt says that the rule is kept; `for good` without an end. */
async function revoke(target: object, more: object = {}): Promise<string> {
  const answer = await calls.control('POST /revocations', { target, reason: 'leaked', ...more })
  assert.equal(answer.status, 201, answer.body.toString())
  const id = textAt(answer, 'id')
  const read = await calls.control(`GET /revocations/${id}`)
  assert.equal(memberAt(read, 'keepUntil'), memberAt(answer, 'keepUntil'), 'read again it says the same')
  return keptIn(answer)
}

function keptIn(answer: RawAnswer): string {
  return (memberAt(answer, 'keepUntil') as string | undefined) ?? 'for good'
}

async function say(token: string): Promise<string> {
  const verdict = memberAt(await calls.control('POST /verify', { token }), 'verdict')
  const { kind, why } = verdict as { readonly kind: string; readonly why?: string }
  return why ?? kind
}

const at = (ms: number): string => new Date(ms).toISOString()

/** Lets time pass, and the server drop what it may. */
async function pass(days: number): Promise<void> {
  server.clock.advance(days * DAY_MS)
  for (let slice = 0; slice < 65; slice += 1) await server.maintenance.tick()
}

async function metric(names: string): Promise<number> {
  const text = (await calls.send('GET /metrics', [CONTROL])).body.toString()
  const found = new RegExp(`rescind_rules_kept_for_good\\{names="${names}"\\} (\\d+)`).exec(text)
  return Number(found?.[1] ?? Number.NaN)
}

test('[H12] 402 days later no token of a leaked key, a session, an old login or an early date is accepted', async () => {
  const leaked = await Provider.open('https://leaked.example/', seconds)
  assert.equal((await register(leaked, {})).status, 201)
  const sample = await leaked.sign()
  const key = textAt(await calls.control('POST /verify', { token: sample }), 'facts', 'keyId')
  assert.equal(await revoke({ key }), 'for good')

  const source = 'iss:https://idp.example/'
  const login = seconds() - 60
  assert.equal(await revoke({ source, session: 's1' }), 'for good')
  assert.equal(await revoke({ source, subject: 'bob' }, { basis: 'authenticated' }), 'for good')

  const [iat, exp] = [seconds() + 500 * 86_400, seconds() + 700 * 86_400]
  const early = await idp.sign({ iat, exp })
  assert.equal(await say(early), 'not_yet_valid')
  assert.equal(await revoke({ token: early }), at((exp + 600) * 1_000), 'its own exp, and ten minutes')
  assert.equal(await revoke({ issuer: idp.issuer, jti: 'unseen' }), 'for good', 'nobody has shown it')
  const unseen = { jti: 'unseen', iat, exp }

  const cutoffMs = server.clock.wallMs()
  assert.equal(await revoke({ source, subject: 'eve' }), at(cutoffMs + 60_000 + KEEP_MS), 'the skew, too')
  const counted = { key: await metric('key'), session: await metric('session'), cutoff: await metric('cut') }
  assert.deepEqual(counted, { key: 1, session: 1, cutoff: 1 })

  await pass(402)
  assert.equal(await say(await leaked.sign()), 'revoked', 'minted today by whoever has the key')
  assert.equal(await say(await idp.sign({ sid: 's1' })), 'revoked', 'minted today of the old session')
  assert.equal(await say(await idp.sign({ sub: 'bob', auth_time: login })), 'revoked')
  assert.equal(await say(await idp.sign({ sub: 'bob', auth_time: seconds() })), 'active', 'a new login')
  assert.equal(await say(await idp.sign({ sub: 'eve' })), 'active', 'a cut-off ends what came before it')
  await pass(120)
  assert.deepEqual([await say(early), await say(await idp.sign(unseen))], ['revoked', 'revoked'])
  assert.equal(await metric('key'), 1)
  leaked.close()
})

test('[H12] deleting an issuer drops no rule: registered again, its old session is still over', async () => {
  const provider = await Provider.open('https://again.example/', seconds)
  const made = await register(provider, {})
  assert.equal(await revoke({ source: 'iss:https://again.example/', session: 's' }), 'for good')
  assert.equal((await calls.control(`DELETE /issuers/${textAt(made, 'id')}`)).status, 204)
  await pass(402)
  assert.equal((await register(provider, {})).status, 201)
  assert.equal(await say(await provider.sign({ sid: 's' })), 'revoked')
  assert.equal(await say(await provider.sign({ sid: 't' })), 'active')
  provider.close()
})

test('[H12] our own token, issued while the clock ran ahead, does not outlive the rules on it', async () => {
  server.clock.advance(900 * DAY_MS)
  const token = await calls.oauthToken(SVC)
  server.clock.advance(-900 * DAY_MS)
  const issuedAtMs = server.clock.wallMs() + 900 * DAY_MS
  const keepUntil = await revoke({ source: 'oauth', client: SVC.clientId })
  assert.ok(Date.parse(keepUntil) > issuedAtMs, keepUntil)
  await pass(402)
  assert.equal(await say(token), 'revoked')
})

test('[H12] a token without iat is refused, unless its issuer is registered so; then cutoffs are kept for good', async () => {
  const silent = { iat: undefined }
  assert.equal(await say(await idp.sign(silent)), 'malformed')
  assert.equal(await say(await idp.sign({ iat: null })), 'malformed')
  const provider = await Provider.open('https://silent.example/', seconds)
  const source = 'iss:https://silent.example/'
  const made = await register(provider, {})
  const id = textAt(made, 'id')
  const untilMs = server.clock.wallMs() + 60_000 + KEEP_MS
  const first = await calls.control('POST /revocations', {
    target: { source, subject: 'ann' },
    reason: 'r',
  })
  assert.equal(keptIn(first), at(untilMs))
  const lasting = await provider.sign({ ...silent, sub: 'ann', exp: seconds() + 700 * 86_400 })
  server.clock.advance(120_000)
  const changed = await calls.control(`PATCH /issuers/${id}`, { withoutIat: true })
  assert.deepEqual([changed.status, memberAt(changed, 'withoutIat')], [200, true])
  assert.equal(await say(await provider.sign({ ...silent, sub: 'tom' })), 'active')
  assert.equal(await say(await provider.sign({ sub: 'ann' })), 'active', 'the cut-off has kept its own time')
  const read = await calls.send(`GET /control/v1/revocations/${textAt(first, 'id')}`, [CONTROL])
  assert.equal(keptIn(read), 'for good', 'the receipt of a cut-off from before says so')
  assert.equal(await revoke({ source, client: 'app' }), 'for good')
  assert.equal(await revoke({ source, subject: 'eve' }, { issuedBefore: at(1_000) }), 'for good')
  await pass(402)
  assert.equal(await say(lasting), 'revoked')
  assert.equal(await say(await provider.sign({ ...silent, azp: 'app' })), 'revoked')
  const off = await calls.control(`PATCH /issuers/${id}`, { withoutIat: false })
  assert.deepEqual([off.status, memberAt(off, 'withoutIat')], [200, false])
  assert.equal(await say(await provider.sign({ ...silent, sub: 'new' })), 'malformed')
  provider.close()
})

test('[H12] withoutIat is refused if cutoffs may have been dropped since the issuer was registered', async () => {
  const provider = await Provider.open('https://late.example/', seconds)
  const id = textAt(await register(provider, {}), 'id')
  await revoke({ source: 'iss:https://late.example/', subject: 'ann' })
  await pass(402)
  const late = await calls.control(`PATCH /issuers/${id}`, { withoutIat: true })
  assert.equal(late.status, 409, late.body.toString())
  assert.equal((await calls.control(`DELETE /issuers/${id}`)).status, 204)
  assert.equal(
    (await register(provider, { withoutIat: true })).status,
    409,
    'deleting it does not reset its age',
  )
  assert.equal((await register(provider, {})).status, 201)
  provider.close()
})

test('[H12] maxSessionSeconds lets session rules be dropped, may be lowered but not raised, and survives deletion', async () => {
  const provider = await Provider.open('https://short.example/', seconds)
  const source = 'iss:https://short.example/'
  const made = await register(provider, { maxSessionSeconds: 86_400 })
  assert.equal(memberAt(made, 'maxSessionSeconds'), 86_400)
  const path = `/control/v1/issuers/${textAt(made, 'id')}`
  const kept = (sessionMs: number): string => at(server.clock.wallMs() + sessionMs + 60_000 + KEEP_MS)
  assert.equal(await revoke({ source, session: 's' }), kept(86_400_000))
  assert.equal(await revoke({ source, subject: 'bob' }, { basis: 'authenticated' }), kept(86_400_000))
  assert.equal((await calls.json(`PATCH ${path}`, { maxSessionSeconds: 86_401 })).status, 422)
  const lowered = await calls.json(`PATCH ${path}`, { maxSessionSeconds: 3_600 })
  assert.deepEqual([lowered.status, memberAt(lowered, 'maxSessionSeconds')], [200, 3_600])
  assert.equal((await calls.json(`PATCH ${path}`, { maxSessionSeconds: 86_400 })).status, 422)
  assert.equal(await revoke({ source, session: 't' }), kept(3_600_000))
  assert.equal((await calls.json(`DELETE ${path}`)).status, 204)
  assert.equal((await register(provider, { maxSessionSeconds: 3_601 })).status, 422)
  const again = await register(provider, {})
  assert.deepEqual([again.status, memberAt(again, 'maxSessionSeconds')], [201, 3_600])
  assert.equal(await revoke({ source, session: 'u' }), kept(3_600_000))
  await pass(399)
  assert.equal(await say(await provider.sign({ sid: 's' })), 'revoked')
  await pass(3)
  assert.equal(await say(await provider.sign({ sid: 's' })), 'active', 'by its own word no session is so old')
  provider.close()
})
