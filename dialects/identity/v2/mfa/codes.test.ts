import assert from 'node:assert/strict'
import type { Store } from '@rescind/authority'
import { type Ask, bodyJson } from '../../../../test/kit/request.ts'
import { onBothStores } from '../../../../test/kit/stores.ts'
import {
  changeUser,
  FakeNotifier,
  type IdentityWorld,
  openIdentity,
  passwordLogin,
  post,
  send,
} from '../../../../test/kit/world-identity.ts'
import { MESSAGES_OF_CALLER_BURST, MESSAGES_OF_USER_BURST } from '../../session/message-limits.ts'
import { codeAt, decodeBase32 } from '../../session/totp.ts'

// A request counts once, even if it is judged again, and a used code counts as wrong.

const MFA = '/v2.0/users/id-bob/RAX-AUTH/multi-factor'

type Bob = IdentityWorld & {
  readonly token: string
  readonly codeOf: (nth: number) => string
  readonly verify: (nth: number, code: string) => Ask
}

async function openBob(store: Store): Promise<Bob> {
  const world = await openIdentity({ store })
  const token = await world.login('bob')
  const devices: { id: string; seed: string }[] = []
  for (const name of ['one', 'two']) {
    const added = await world.ask(
      send(token, 'POST', `${MFA}/otp-devices`, { 'RAX-AUTH:otpDevice': { name } }),
    )
    const { id = '', keyUri = '' } =
      ((await bodyJson(added)) as Record<string, Record<string, string>>)['RAX-AUTH:otpDevice'] ?? {}
    devices.push({ id, seed: new URL(keyUri).searchParams.get('secret') ?? '' })
  }
  const at = (nth: number): { id: string; seed: string } => devices[nth] ?? assert.fail()
  return {
    ...world,
    token,
    codeOf: (nth) =>
      codeAt(decodeBase32(at(nth).seed) ?? assert.fail(), Math.floor(world.realm.nowMs() / 30_000)),
    verify: (nth, code) =>
      send(token, 'POST', `${MFA}/otp-devices/${at(nth).id}/verify`, {
        'RAX-AUTH:verificationCode': { code },
      }),
  }
}

onBothStores(
  '[W102] a replayed code is 401, uses up no attempts, and a fresh one is accepted',
  async (store) => {
    const { ask, clock, codeOf, verify } = await openBob(store)
    const used = codeOf(0)
    assert.equal((await ask(verify(0, used))).status, 204)
    for (let nth = 0; nth < 6; nth += 1) assert.equal((await ask(verify(0, used))).status, 401)
    clock.advance(30_000)
    assert.equal((await ask(verify(0, codeOf(0)))).status, 204)
  },
)

onBothStores('[W102] a wrong code takes one attempt each, of this user and no other', async (store) => {
  const { ask, login, codeOf, verify } = await openBob(store)
  for (let nth = 0; nth < 4; nth += 1) assert.equal((await ask(verify(0, '000000'))).status, 401)
  assert.equal((await ask(verify(0, codeOf(0)))).status, 204, 'the fifth attempt')
  assert.equal((await ask(verify(1, '000000'))).status, 401, 'right ones take none')
  assert.equal((await ask(verify(1, codeOf(1)))).status, 413)
  const ann = await login('ann')
  const path = '/v2.0/users/id-ann/RAX-AUTH/multi-factor'
  const added = await ask(
    send(ann, 'POST', `${path}/mobile-phones`, { 'RAX-AUTH:mobilePhone': { number: '+1 555' } }),
  )
  const { id } =
    ((await bodyJson(added)) as Record<string, { id: string }>)['RAX-AUTH:mobilePhone'] ?? assert.fail()
  const phone = send(ann, 'POST', `${path}/mobile-phones/${id}/verify`, {
    'RAX-AUTH:verificationCode': { code: '1' },
  })
  assert.equal((await ask(phone)).status, 401)
})

onBothStores(
  '[W102] of concurrent requests with one right code, one succeeds and the others are 401',
  async (store) => {
    const { ask, codeOf, verify } = await openBob(store)
    const code = codeOf(0)
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(verify(0, code))))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [204, 401, 401, 401, 401, 401, 401, 401])
  },
)

onBothStores('[H19] strangers do not use up the mails of a user, and send so many', async (store) => {
  const notifier = new FakeNotifier()
  const { ask, realm } = await openIdentity({ store, notifier })
  await changeUser(realm, 'id-ann', { email: 'ann@example.org' })
  const forgot = (from: string): Ask => {
    const body = { 'RAX-AUTH:forgotPasswordCredentials': { username: 'ann', portal: 'x' } }
    return { ...post(body), path: '/v2.0/users/RAX-AUTH/forgot-pwd', from }
  }
  const mailed = async (from: string): Promise<number> => {
    const before = notifier.notices.length
    for (let nth = 0; nth < 20; nth += 1) assert.equal((await ask(forgot(from))).status, 204)
    return notifier.notices.length - before
  }
  assert.equal(await mailed('2001:db8::1'), MESSAGES_OF_CALLER_BURST)
  assert.equal(await mailed('2001:db8::2'), 0, 'of the same /64')
  assert.equal(await mailed('192.0.2.1'), MESSAGES_OF_CALLER_BURST, 'from elsewhere')
  assert.equal(await mailed('192.0.2.2'), MESSAGES_OF_USER_BURST - 2 * MESSAGES_OF_CALLER_BURST)
  assert.equal(await mailed('192.0.2.3'), 0)
})

onBothStores('[H19] text messages are counted by caller and victim, apart from passcodes', async (store) => {
  const notifier = new FakeNotifier()
  const { ask, realm } = await openIdentity({ store, notifier })
  const phones = [{ id: 'p', number: '+1 555 0100', isVerified: true }]
  await changeUser(realm, 'id-ann', {
    mfa: { isEnabled: true, enforcement: 'DEFAULT', otpDevices: [], phones },
  })
  const from = async (address: string): Promise<number> =>
    (await ask({ ...passwordLogin('ann'), from: address })).status
  const seen: number[] = []
  for (let nth = 0; nth <= MESSAGES_OF_CALLER_BURST; nth += 1) seen.push(await from('198.51.100.7'))
  assert.deepEqual(seen, [401, 401, 401, 401, 401, 413])
  assert.equal(await from('192.0.2.1'), 401, 'from elsewhere a message goes out')
  assert.equal(notifier.notices.length, MESSAGES_OF_CALLER_BURST + 1)
})
