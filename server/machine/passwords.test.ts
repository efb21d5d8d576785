import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Overloaded } from '@rescind/core'
import { hashPassword, PASSWORD_COST, PASSWORD_QUEUE_MAX, PasswordQueue } from './passwords.ts'

const CHEAP = { memoryKib: 8, passes: 1 }
const hash = await hashPassword('right', CHEAP)

function question(from: string, account = 'ann', isProved = false) {
  return { hash, password: 'right', from, account, isProved }
}

test('[W61] logins wait up to the bound; the next one of the same share is an outage', async () => {
  const queue = new PasswordQueue(CHEAP)
  const order: string[] = []
  const ask = async (from: string): Promise<void> => {
    assert.equal(await queue.verify(question(from)), true)
    order.push(from)
  }
  // One of them is being checked, so it no longer waits.
  const many = Array.from({ length: PASSWORD_QUEUE_MAX + 1 }, () => ask('192.0.2.1'))
  await assert.rejects(queue.verify(question('192.0.2.1')), Overloaded)
  const refused = many.at(-1)
  const one = ask('192.0.2.2')
  await assert.rejects(refused ?? one, Overloaded, 'the newest of the largest share gives way')
  await Promise.all([...many.slice(0, -1), one])
  assert.ok(order.indexOf('192.0.2.2') <= 2, `served as number ${order.indexOf('192.0.2.2')}`)
})

test('[W61] a password change waits behind no login, and no login waits for ever', async () => {
  const queue = new PasswordQueue(CHEAP)
  const order: string[] = []
  const noted = async (name: string, done: Promise<unknown>): Promise<void> => {
    await done
    order.push(name)
  }
  const logins = Array.from({ length: 8 }, () => noted('login', queue.verify(question('192.0.2.1'))))
  const changes = Array.from({ length: 6 }, (_, nth) =>
    noted(
      'change',
      nth % 2 === 0
        ? queue.hash({ password: 'x', from: '192.0.2.1', account: 'ann' })
        : queue.verify(question('192.0.2.1', 'ann', true)),
    ),
  )
  await Promise.all([...logins, ...changes])
  // The first login was already being checked when the others came.
  assert.deepEqual(order.slice(0, 8), [
    'login',
    ...Array.from({ length: 4 }, () => 'change'),
    'login',
    'change',
    'change',
  ])
})

test('[W61] a full queue of logins turns no change away, nor a full queue of changes a login', async () => {
  const queue = new PasswordQueue(CHEAP)
  const logins = Array.from({ length: PASSWORD_QUEUE_MAX + 1 }, () => queue.verify(question('192.0.2.1')))
  const change = queue.hash({ password: 'x', from: '192.0.2.1', account: 'ann' })
  await assert.rejects(queue.verify(question('192.0.2.1')), Overloaded)
  assert.match(await change, /^\$argon2id\$/)
  await Promise.all(logins)
  const changes = Array.from({ length: PASSWORD_QUEUE_MAX + 1 }, () =>
    queue.verify(question('192.0.2.1', 'ann', true)),
  )
  await assert.rejects(queue.hash({ password: 'x', from: '192.0.2.1', account: 'ann' }), Overloaded)
  assert.equal(await queue.verify(question('192.0.2.1')), true)
  await Promise.all(changes)
})

test('a password of a server in use costs 19 MiB and two passes, and so does one of an unknown user', async (t) => {
  assert.deepEqual(PASSWORD_COST, { memoryKib: 19_456, passes: 2 })
  assert.match(await hashPassword('right'), /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  const queue = new PasswordQueue()
  const spent: number[] = []
  for (let round = 0; round < 3; round += 1) {
    const before = process.cpuUsage()
    assert.equal(await queue.verify({ ...question('192.0.2.1'), hash: undefined }), false)
    const { user, system } = process.cpuUsage(before)
    spent.push((user + system) / 1_000)
  }
  // Use the minimum: argon2 itself takes at least a tenth of a millisecond.
  const least = Math.min(...spent)
  t.diagnostic(`${least.toFixed(1)} ms of CPU for nobody's`)
  assert.ok(least > 5, `${least} ms`)
})
