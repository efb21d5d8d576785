import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer } from '@rescind/dialects'
import { bodyJson } from '../../../test/kit/request.ts'
import {
  accessOf,
  apiKeyLogin,
  as,
  changeUser,
  FakeNotifier,
  faultOf,
  type IdentityWorld,
  openIdentity,
  passwordLogin,
  post,
  send,
} from '../../../test/kit/world-identity.ts'
import { seededMfa } from '../directory/mfa.ts'
import { codeAt, decodeBase32, encodeBase32 } from '../session/totp.ts'

const SEED = 'JBSWY3DPEHPK3PXP'
const STEP_MS = 30_000

function codeOf(nowMs: number, seed = SEED): string {
  return codeAt(decodeBase32(seed) ?? assert.fail(), Math.floor(nowMs / STEP_MS))
}

async function openWithMfa() {
  const notifier = new FakeNotifier()
  const world = await openIdentity({ notifier })
  const mfa = seededMfa(world.realm, 'id-ann', {
    isEnabled: true,
    enforcement: 'DEFAULT',
    totpBase32: SEED,
  })
  await changeUser(world.realm, 'id-ann', { mfa })
  return { ...world, notifier }
}

function sessionOf(answer: Answer): string {
  assert.equal(answer.status, 401)
  const challenge = answer.headers['www-authenticate'] ?? ''
  const [, session = ''] = /^OS-MF sessionId='([^']+)', factor='PASSCODE'$/.exec(challenge) ?? []
  assert.notEqual(session, '', challenge)
  return session
}

function passcodeLogin(session: string, passcode: string) {
  const ask = post({ auth: { 'RAX-AUTH:passcodeCredentials': { passcode } } })
  return { ...ask, headers: { ...ask.headers, 'x-sessionid': session } }
}

test('RFC 6238, appendix B, in six digits', () => {
  const key = Buffer.from('12345678901234567890')
  for (const [seconds, code] of [
    [59, '287082'],
    [1_111_111_109, '081804'],
    [20_000_000_000, '353130'],
  ] as const)
    assert.equal(codeAt(key, Math.floor(seconds / 30)), code)
  assert.deepEqual(decodeBase32(encodeBase32(key)), key)
  assert.equal(decodeBase32('1'), undefined)
})

test('a password alone is 401 with a session; the passcode then gives a token with both proofs', async () => {
  const { ask, clock } = await openWithMfa()
  const first = await ask(passwordLogin('ann'))
  assert.equal((await faultOf(first)).message, 'Additional authentication credentials required.')
  const answer = await ask(passcodeLogin(sessionOf(first), codeOf(clock.wallMs())))
  const { token } = await accessOf(answer)
  assert.equal(token.tenant?.id, '900100')
  assert.deepEqual((token as Record<string, unknown>)['RAX-AUTH:authenticatedBy'], [
    'OTPPASSCODE',
    'PASSWORD',
  ])
})

test('a passcode works once over all sessions', async () => {
  const { ask, clock } = await openWithMfa()
  const sessions = [sessionOf(await ask(passwordLogin('ann'))), sessionOf(await ask(passwordLogin('ann')))]
  const code = codeOf(clock.wallMs())
  const statuses = []
  for (const session of sessions) statuses.push((await ask(passcodeLogin(session, code))).status)
  assert.deepEqual(statuses, [200, 401])
  clock.advance(STEP_MS)
  const session = sessionOf(await ask(passwordLogin('ann')))
  const race = await Promise.all([0, 1, 2].map(() => ask(passcodeLogin(session, codeOf(clock.wallMs())))))
  assert.deepEqual(race.map(({ status }) => status).sort(), [200, 401, 401])
})

test('a wrong, old or forged session or passcode is 401, and too many attempts are 413', async () => {
  const { ask, clock, realm } = await openWithMfa()
  const session = sessionOf(await ask(passwordLogin('ann')))
  const code = codeOf(clock.wallMs())
  assert.equal((await ask(passcodeLogin('x', code))).status, 401)
  assert.equal((await ask(passcodeLogin(`${session.slice(0, -2)}AA`, code))).status, 401)
  assert.equal(
    (await ask(post({ auth: { 'RAX-AUTH:passcodeCredentials': { passcode: code } } }))).status,
    401,
  )
  for (let at = 0; at < 5; at += 1) assert.equal((await ask(passcodeLogin(session, '0000000'))).status, 401)
  const limited = await ask(passcodeLogin(session, code))
  assert.deepEqual([limited.status, limited.headers['retry-after']], [413, '10'])
  clock.advance(11_000)
  await changeUser(realm, 'id-ann', { email: 'ann@example.org' })
  clock.advance(600_000)
  assert.equal((await ask(passcodeLogin(session, codeOf(clock.wallMs())))).status, 401, 'ten minutes')
})

test('a rule that ends the user’s tokens ends a half-finished login', async () => {
  const { ask, login, clock } = await openWithMfa()
  const session = sessionOf(await ask(passwordLogin('ann')))
  const root = await login('root')
  const set = { user: { password: 'pw-new' } }
  assert.equal((await ask(send(root, 'PUT', '/v2.0/users/id-ann/OS-KSADM/password', set))).status, 200)
  assert.equal((await ask(passcodeLogin(session, codeOf(clock.wallMs())))).status, 401)
})

test('without a generator a text message is sent, and its code works once', async () => {
  const { ask, realm, notifier } = await openWithMfa()
  const phones = [{ id: 'p', number: '+1 555 0100', isVerified: true }]
  const mfa = { isEnabled: true, enforcement: 'DEFAULT', otpDevices: [], phones } as const
  await changeUser(realm, 'id-ann', { mfa })
  const session = sessionOf(await ask(passwordLogin('ann')))
  const [notice] = notifier.notices
  assert.ok(notice?.kind === 'passcode' && /^\d{7}$/.test(notice.code))
  assert.ok(!session.includes(notice.code))
  assert.equal((await ask(passcodeLogin(session, notice.code))).status, 200)
  assert.equal((await ask(passcodeLogin(session, notice.code))).status, 401)
})

test('an API key needs no second factor', async () => {
  const { ask } = await openWithMfa()
  assert.equal((await ask(apiKeyLogin('ann'))).status, 200)
})

const MFA = '/v2.0/users/id-bob/RAX-AUTH/multi-factor'
type Device = { id: string; keyUri: string }

async function setUpToken({ ask }: IdentityWorld): Promise<string> {
  const setup = passwordLogin('bob', { 'RAX-AUTH:scope': 'SETUP-MFA' })
  const { token, serviceCatalog } = await accessOf(await ask(setup))
  assert.deepEqual([token.tenant, serviceCatalog], [undefined, undefined])
  return token.id
}

test('a user who must set up MFA is told so, does it with a token for that purpose, and then logs in in two steps', async () => {
  const { clock, ...world } = await openWithMfa()
  const { ask, login } = world
  const root = await login('root')
  const level = { 'RAX-AUTH:multiFactor': { userMultiFactorEnforcementLevel: 'REQUIRED' } }
  assert.equal((await ask(send(root, 'PUT', MFA, level))).status, 204)
  const refused = await ask(passwordLogin('bob'))
  assert.deepEqual([refused.status, (await faultOf(refused)).message], [403, 'User must setup multi-factor'])
  const setup = await setUpToken({ ...world, clock })
  for (const given of [
    as(setup, 'GET', `/v2.0/tokens/${setup}`),
    as(setup, 'GET', '/v2.0/users/id-bob'),
    as(setup, 'GET', '/v2.0/tenants'),
    send(setup, 'POST', '/v2.0/users/id-bob', { user: { email: 'x@example.org' } }),
  ])
    assert.equal((await ask(given)).status, 403)
  assert.equal((await ask(post({ auth: { token: { id: setup } } }))).status, 403)
  assert.equal((await ask(as(root, 'GET', `/v2.0/tokens/${setup}`))).status, 404)
  assert.equal((await ask(send(setup, 'PUT', `/v2.0/users/id-ann/RAX-AUTH/multi-factor`, level))).status, 403)
  const own = { 'RAX-AUTH:multiFactor': { userMultiFactorEnforcementLevel: 'OPTIONAL' } }
  assert.equal((await ask(send(setup, 'PUT', MFA, own))).status, 403)
  assert.equal((await ask(as(setup, 'DELETE', MFA))).status, 403)
  const enable = { 'RAX-AUTH:multiFactor': { enabled: true } }
  assert.equal((await ask(send(setup, 'PUT', MFA, enable))).status, 400, 'no device yet')
  const added = await ask(
    send(setup, 'POST', `${MFA}/otp-devices`, { 'RAX-AUTH:otpDevice': { name: 'app' } }),
  )
  assert.equal(added.status, 201)
  const device = ((await bodyJson(added)) as Record<string, Device>)['RAX-AUTH:otpDevice'] ?? assert.fail()
  const seed = new URL(device.keyUri).searchParams.get('secret') ?? ''
  const verify = (token: string, code: string) =>
    send(token, 'POST', `${MFA}/otp-devices/${device.id}/verify`, { 'RAX-AUTH:verificationCode': { code } })
  assert.equal((await ask(verify(setup, '000000'))).status, 401)
  assert.equal((await ask(verify(setup, codeOf(clock.wallMs(), seed)))).status, 204)
  assert.equal(
    (await ask(verify(setup, codeOf(clock.wallMs(), seed)))).status,
    401,
    'the set-up token is over',
  )
  const second = await setUpToken({ ...world, clock })
  const more = { 'RAX-AUTH:otpDevice': { name: 'thief' } }
  assert.equal((await ask(send(second, 'POST', `${MFA}/otp-devices`, more))).status, 403, 'one is there')
  assert.equal((await ask(as(second, 'DELETE', `${MFA}/otp-devices/${device.id}`))).status, 403)
  assert.equal((await ask(send(second, 'PUT', MFA, enable))).status, 204)
  clock.advance(60_000)
  const session = sessionOf(await ask(passwordLogin('bob')))
  assert.equal((await ask(passcodeLogin(session, codeOf(clock.wallMs(), seed)))).status, 200)
  const again = await ask(passwordLogin('bob', { 'RAX-AUTH:scope': 'SETUP-MFA' }))
  assert.equal(again.status, 403, 'a password alone does not get past MFA')
})

test('phones are added, verified by a text message, and removed', async () => {
  const { ask, login, notifier } = await openWithMfa()
  const bob = await login('bob')
  const added = await ask(
    send(bob, 'POST', `${MFA}/mobile-phones`, { 'RAX-AUTH:mobilePhone': { number: '+1 555' } }),
  )
  const { id } = ((await bodyJson(added)) as Record<string, Device>)['RAX-AUTH:mobilePhone'] ?? assert.fail()
  const verify = (code: string) =>
    send(bob, 'POST', `${MFA}/mobile-phones/${id}/verify`, { 'RAX-AUTH:verificationCode': { code } })
  assert.equal((await ask(verify('1234567'))).status, 401)
  assert.equal((await ask(send(bob, 'POST', `${MFA}/mobile-phones/${id}/verificationcode`))).status, 202)
  const notice = notifier.notices.at(-1)
  assert.ok(notice?.kind === 'passcode')
  assert.equal((await ask(verify(notice.code))).status, 204)
  const { 'RAX-AUTH:mobilePhones': phones } = (await bodyJson(
    await ask(as(bob, 'GET', `${MFA}/mobile-phones`)),
  )) as Record<string, unknown>
  assert.deepEqual(phones, [{ id, number: '+1 555', verified: true }])
  assert.equal((await ask(send(bob, 'PUT', MFA, { 'RAX-AUTH:multiFactor': { enabled: true } }))).status, 204)
  assert.equal((await ask(as(bob, 'GET', '/v2.0/users/id-bob'))).status, 401, 'enabling ends every token')
  const root = await login('root')
  const last = `${MFA}/mobile-phones/${id}`
  assert.equal((await ask(as(root, 'DELETE', last))).status, 400, 'the last device stays')
  assert.equal((await ask(as(root, 'DELETE', MFA))).status, 204)
  assert.equal((await ask(passwordLogin('bob'))).status, 200)
})

test('a user-admin requires MFA of its account; only operators mandate it', async () => {
  const { ask, login } = await openWithMfa()
  const path = '/v2.0/RAX-AUTH/domains/900100/multi-factor'
  const level = (domainMultiFactorEnforcementLevel: string) => ({
    'RAX-AUTH:multiFactorDomain': { domainMultiFactorEnforcementLevel },
  })
  const [owner, owner2, ann, root] = [
    await login('owner'),
    await login('owner2'),
    (await accessOf(await ask(apiKeyLogin('ann')))).token.id,
    await login('root'),
  ]
  assert.equal((await ask(send(owner2, 'PUT', path, level('REQUIRED')))).status, 403)
  assert.equal((await ask(send(ann, 'PUT', path, level('REQUIRED')))).status, 403)
  assert.equal((await ask(send(owner, 'PUT', path, level('RACKSPACE_MANDATED')))).status, 403)
  assert.equal((await ask(send(owner, 'PUT', path, level('REQUIRED')))).status, 204)
  for (const dead of [owner, ann])
    assert.equal((await ask(as(root, 'GET', `/v2.0/tokens/${dead}`))).status, 404)
  assert.equal((await ask(as(root, 'GET', `/v2.0/tokens/${owner2}`))).status, 200)
})
