import assert from 'node:assert/strict'
import { test } from 'node:test'
import { API_KEY, Calls, CONTROL, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { headerOf, type RawAnswer } from '../kit/raw-http.ts'
import { SVC } from '../kit/seed.ts'

/** Calls that read many records that one control key may run at once. */
const OF_KEY = 4

const { server, calls } = await openForFile({ time: 'hand', flags: ['--control-rate', '0'] })

type Held = { readonly running: readonly Promise<RawAnswer>[]; readonly letGo: () => void }

/** Starts `count` calls, each on its own connection, which read through the tokens and do not finish before `letGo`. */
async function underWay(count: number, line: string, headers: readonly string[]): Promise<Held> {
  const { store } = server
  const [end, begun] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const real = store.tokens
  let walks = 0
  store.tokens = async (...ask) => {
    walks += 1
    if (walks === count) begun.resolve()
    await end.promise
    return real(...ask)
  }
  const running = Array.from({ length: count }, async () => {
    const own = new Calls(server.port)
    const answer = await own.send(line, headers)
    own.close()
    return answer
  })
  await begun.promise
  return {
    running,
    letGo: () => {
      store.tokens = real
      end.resolve()
    },
  }
}

const PREVIEW = { target: { source: 'oauth', subject: 's' }, reason: 'r', dryRun: true }
const LISTS: readonly (readonly [line: string, body?: object])[] = [
  ['GET /tokens?subject=nosuch'],
  ['GET /revocations?reason=nosuch'],
  ['GET /audit?by=control:key_nosuch'],
  ['GET /audit/export'],
  ['GET /audit/system'],
  ['GET /realms/default/export'],
  [`GET /clients/${SVC.clientId}/grants`],
  ['POST /revocations', PREVIEW],
  ['POST /holds', { ...PREVIEW, seconds: 60, atDeadline: 'release' }],
]

test('[W94] a key that has four lists under way gets 429 for every other one, and may revoke; another key is unaffected', async () => {
  const made = await calls.control('POST /keys', { name: 'second', role: 'admin' })
  const second = `Authorization: Bearer ${textAt(made, 'key')}`
  const { running, letGo } = await underWay(OF_KEY, 'GET /control/v1/tokens', [CONTROL])
  for (const [line, body] of LISTS) {
    const answer = await calls.control(line, body)
    assert.equal(answer.status, 429, `${line}: ${answer.body.toString()}`)
    assert.equal(headerOf(answer, 'retry-after'), '1')
  }
  for (const line of ['GET /revocations?reason=nosuch', 'GET /audit'])
    assert.equal((await calls.control(line, undefined, second)).status, 200)
  const rule = { target: { source: 'oauth', subject: 's' }, reason: 'r' }
  for (const key of [CONTROL, second])
    assert.equal((await calls.control('POST /revocations', rule, key)).status, 201)
  letGo()
  for (const answer of await Promise.all(running)) assert.equal(answer.status, 200)
  for (const [line, body] of LISTS) {
    const answer = await calls.control(line, body)
    assert.equal(answer.status, 200, `${line}: ${answer.body.toString()}`)
  }
})

test('[W94] an app that has four lists under way gets 429 for more, in its own words, and revokes as before', async () => {
  await calls.chatClient('u1')
  const { running, letGo } = await underWay(OF_KEY, 'GET /auths/tokens', [API_KEY])
  for (const line of ['GET /auths/tokens', 'GET /admin/clients?limit=1']) {
    const answer = await calls.send(line, [API_KEY])
    assert.equal(answer.status, 429, line)
    assert.equal(textAt(answer, 'error', 'code'), 'RATE_LIMIT_EXCEEDED')
  }
  assert.equal((await calls.chatRevoke('u1')).status, 200)
  assert.equal((await calls.control('GET /audit')).status, 200)
  letGo()
  for (const answer of await Promise.all(running)) assert.equal(answer.status, 200)
  assert.equal((await calls.send('GET /auths/tokens', [API_KEY])).status, 200)
})
