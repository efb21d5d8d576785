import assert from 'node:assert/strict'
import type { Store } from '@rescind/authority'
import type { Answer } from '@rescind/dialects'
import { type Ask, wireRequest } from '../../../test/kit/request.ts'
import { onBothStores } from '../../../test/kit/stores.ts'
import { changeUser, passwordLogin, post } from '../../../test/kit/world-identity.ts'
import { logIn, openV3, type V3World } from '../../../test/kit/world-identity-v3.ts'
import { seededMfa } from '../directory/mfa.ts'
import { OF_ADDRESS_BURST, OF_USER_BURST } from './passcode-guesses.ts'
import { codeAt, decodeBase32 } from './totp.ts'

// A limit that counts by victim lets anybody lock the victim out. A limit that counts by looked-up user tells who
// exists. So strangers, who have proved nothing, are counted by address and by the name that they send.

const SEED = 'JBSWY3DPEHPK3PXP'
const STRANGER = '198.51.100.7'
const HOME = '192.0.2.1'
const BURST = 5

type PasscodeWorld = V3World & { readonly code: () => string }

async function open(store: Store, isEnabled = true): Promise<PasscodeWorld> {
  const world = await openV3({ store })
  const { realm } = world
  for (const id of ['pia', 'id-ann']) {
    const mfa = seededMfa(realm, id, { isEnabled, enforcement: 'DEFAULT', totpBase32: SEED })
    await changeUser(realm, id, { mfa })
  }
  const key = decodeBase32(SEED) ?? assert.fail()
  return { ...world, code: () => codeAt(key, Math.floor(realm.nowMs() / 30_000)) }
}

const BY_ID = { id: 'pia' }
const BY_NAME = { name: 'pia-name', domain: { id: 'blue' } }

function guess(user: object = BY_ID, from = STRANGER, passcode = '000000'): Ask {
  return { ...logIn({ methods: ['totp'], totp: { user: { ...user, passcode } } }), from }
}

function both(passcode: string, from = HOME): Ask {
  const password = { user: { id: 'pia', password: 'pw-pia' } }
  const totp = { user: { id: 'pia', passcode } }
  return { ...logIn({ methods: ['password', 'totp'], password, totp }), from }
}

function sessionOf({ headers }: Answer): string {
  return /sessionId='([^']+)'/.exec(headers['www-authenticate'] ?? '')?.[1] ?? assert.fail()
}

async function second({ ask }: V3World, passcode: string, from = HOME): Promise<number> {
  const first = await ask({ ...passwordLogin('ann'), from })
  const login = post({ auth: { 'RAX-AUTH:passcodeCredentials': { passcode } } })
  const headers = { ...login.headers, 'x-sessionid': sessionOf(first) }
  return (await ask({ ...login, headers, from })).status
}

async function statuses({ ask }: V3World, asks: readonly Ask[]): Promise<number[]> {
  const seen: number[] = []
  for (const given of asks) seen.push((await ask(given)).status)
  return seen
}

function times<T>(count: number, make: (nth: number) => T): T[] {
  return Array.from({ length: count }, (_, nth) => make(nth))
}

onBothStores('[H19] strangers do not lock a user out of the second factor, in v3 or v2.0', async (store) => {
  const world = await open(store)
  const wrong = [...times(60, () => guess()), ...times(60, () => guess({ id: 'id-ann' }))]
  assert.deepEqual([...new Set(await statuses(world, wrong))], [401, 413])
  assert.equal((await world.ask(both(world.code(), STRANGER))).status, 201, 'from the same address')
  world.clock.advance(30_000)
  assert.equal((await world.ask(both(world.code()))).status, 201, 'from elsewhere')
  assert.equal(await second(world, world.code(), STRANGER), 200, 'v2.0, from the same address')
  world.clock.advance(30_000)
  assert.equal(await second(world, world.code()), 200, 'v2.0, from elsewhere')
})

onBothStores(
  '[H19] strangers at a hundred addresses do not lock out a caller who knows the password',
  async (store) => {
    const world = await open(store)
    await statuses(
      world,
      times(300, (nth) => guess(nth % 2 === 0 ? BY_ID : BY_NAME, `198.51.100.${nth % 100}`)),
    )
    assert.equal((await world.ask(both(world.code()))).status, 201)
  },
)

onBothStores('[H19] who has only a passcode is heard from elsewhere, and not without end', async (store) => {
  const world = await open(store, false)
  await statuses(
    world,
    times(20, () => guess()),
  )
  assert.equal((await world.ask(guess(BY_ID, STRANGER, world.code()))).status, 413)
  assert.equal((await world.ask(guess(BY_ID, HOME, world.code()))).status, 201)
  // From more addresses than one name may guess from: the name, and so its user, is closed to strangers for a while.
  const many = times(OF_USER_BURST + 1, (nth) => guess(BY_ID, `203.0.113.${nth}`))
  const seen = await statuses(world, many)
  assert.equal(seen.filter((status) => status === 401).length, OF_USER_BURST - BURST)
  assert.equal(seen.at(-1), 413)
  world.clock.advance(30_000)
  assert.equal((await world.ask(guess(BY_NAME, '192.0.2.9', world.code()))).status, 201, 'some came back')
})

onBothStores('[H19] a user who is named in two ways is guessed at no more often', async (store) => {
  const world = await open(store, false)
  await statuses(
    world,
    times(OF_USER_BURST, (nth) => guess(BY_ID, `203.0.113.${nth}`)),
  )
  // The refusal is silent, because strangers must not learn that the name belongs to this user.
  assert.equal((await world.ask(guess(BY_NAME, HOME, world.code()))).status, 401)
  assert.equal((await world.ask(both(world.code()))).status, 201)
})

onBothStores(
  '[H19] a caller who knows the password has a bounded number of guesses, per address and in all',
  async (store) => {
    const world = await open(store)
    assert.deepEqual(
      await statuses(
        world,
        times(BURST + 1, () => both('000000')),
      ),
      [401, 401, 401, 401, 401, 413],
    )
    assert.equal(
      (await world.ask(both(world.code()))).status,
      413,
      'at the limit the right one is not heard either',
    )
    assert.equal((await world.ask(both(world.code(), '192.0.2.2'))).status, 201, 'elsewhere it is')
    const seen = await statuses(
      world,
      times(OF_USER_BURST, (nth) => both('000000', `203.0.113.${nth}`)),
    )
    assert.equal(seen.filter((status) => status === 401).length, OF_USER_BURST - BURST)
    assert.equal(await second(world, world.code()), 200, 'another user is unhurt')
  },
)

onBothStores('[H19] many guesses at once are as many as one after the other', async (store) => {
  const world = await open(store)
  const seen = (await Promise.all(times(40, () => world.ask(both('000000'))))).map(({ status }) => status)
  assert.equal(seen.filter((status) => status === 401).length, BURST)
})

onBothStores('[H19] made-up names do not make the limits of others forgotten', async (store) => {
  const world = await open(store, false)
  await statuses(
    world,
    times(BURST, () => guess()),
  )
  let answered = 0
  for (let nth = 0; nth < 20_500; nth += 1)
    if ((await world.ask(guess({ id: `nobody-${nth}` }))).status === 401) answered += 1
  assert.equal(answered, OF_ADDRESS_BURST - BURST)
  assert.equal((await world.ask(guess(BY_ID, STRANGER, world.code()))).status, 413)
  assert.equal((await world.ask(guess(BY_ID, HOME, world.code()))).status, 201)
})

onBothStores('[H20] limits do not tell which names and ids there are, and whose they are', async (store) => {
  const world = await open(store)
  const exhausted = async (user: object): Promise<number[]> =>
    statuses(
      world,
      times(7, () => guess(user)),
    )
  const blocked = [401, 401, 401, 401, 401, 413, 413]
  // A real name, and then all that may mean the same user: each has a full allowance, like a made-up one.
  for (const user of [
    BY_NAME,
    { name: 'pia-name', domain: { id: 'no-such-domain' } },
    { name: 'pia-name', domain: { name: 'Blue' } },
    { name: 'pia-name', domain: { name: 'nowhere' } },
    BY_ID,
    { id: 'nobody' },
    { name: 'nobody', domain: { id: 'blue' } },
    { name: 'nobody', domain: { id: 'no-such-domain' } },
    { name: 'pia-name', domain: { id: 'default' } },
  ])
    assert.deepEqual(await exhausted(user), blocked, JSON.stringify(user))
})

onBothStores('[H20] a right passcode alone tells nothing where more has to be proved', async (store) => {
  const world = await open(store)
  const [right, wrong] = [
    await world.ask(guess(BY_ID, HOME, world.code())),
    await world.ask(guess(BY_ID, HOME)),
  ]
  assert.deepEqual([right.status, right.body], [wrong.status, wrong.body])
  // The same beside the valid password of another user.
  const password = { user: { id: 'pol', password: 'pw-pol' } }
  const beside = (passcode: string): Ask =>
    logIn({ methods: ['password', 'totp'], password, totp: { user: { id: 'pia', passcode } } })
  const [one, other] = [await world.ask(beside(world.code())), await world.ask(beside('000000'))]
  assert.deepEqual([one.status, one.body], [other.status, other.body])
  for (let nth = 0; nth < 20; nth += 1) await world.ask(beside('000000'))
  assert.equal((await world.ask(both(world.code(), HOME))).status, 201, 'and that locks nobody out')
})

onBothStores('[H19] users of the same id in two realms are two', async (store) => {
  const world = await open(store)
  await statuses(
    world,
    times(BURST + 1, () => both('000000')),
  )
  const other = await world.realms.create('other', { by: 'test', from: 'local', how: 'test' })
  const { dialect } = world
  assert.equal((await dialect.handle(other, wireRequest(guess(BY_ID, HOME)))).status, 401)
})
