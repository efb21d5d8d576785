import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Overloaded } from '@rescind/core'
import { START_MS } from '../../test/kit/realm.ts'
import { CHAT_BOUNDS } from './bounds.ts'
import type { ExternalAsk, ExternalReply } from './external-verification.ts'
import {
  ADMIN,
  API_KEY,
  type Ask,
  addApp,
  type ChatWorld,
  CLIENT_KEY,
  JSON_BODY,
  openChat,
  tokenPath,
} from './fixture.test.ts'

// Anybody with a public key can make the server wait for a verify URL. That must not make other callers wait.

const NEW_KEYS: [string, string] = ['api-key-of-initech', 'client-key-of-initech']

class SlowExternal {
  readonly asked: ExternalAsk[] = []
  readonly #waiting: (() => void)[] = []
  world!: ChatWorld

  static async open(): Promise<SlowExternal> {
    const slow = new SlowExternal()
    const askExternal = async (ask: ExternalAsk): Promise<ExternalReply> => {
      slow.asked.push(ask)
      if (ask.app === 'acme') await new Promise<void>((done) => slow.#waiting.push(done))
      const said = { id: `of-${ask.token}`, exp: START_MS / 1_000 + 60 }
      return { kind: 'answer', status: 200, body: Buffer.from(JSON.stringify(said)) }
    }
    slow.world = await openChat({ app: { verifyUrl: 'https://slow.example/' }, options: { askExternal } })
    await addApp(slow.world.realm, 'initech', NEW_KEYS, { verifyUrl: 'https://quick.example/' })
    return slow
  }

  /** @returns the status, `out` while the verify URL has not answered, or `full`. */
  async me(
    token: string,
    from: string,
    headers: Ask['headers'] = { 'IM-CLIENT-KEY': CLIENT_KEY },
  ): Promise<number | string> {
    const before = this.asked.length
    const ask = { path: '/me', from, headers: { ...headers, 'IM-Authorization': token } }
    const answer = this.world.send(ask).then(
      ({ status }) => status,
      (error: unknown) => (error instanceof Overloaded ? 'full' : 'broken'),
    )
    const out = (async (): Promise<string> => {
      while (this.asked.length === before) await new Promise((done) => setImmediate(done))
      return 'out'
    })()
    const said = await Promise.race([answer, out])
    return said === 'out' && this.asked.at(-1)?.app !== 'acme' ? answer : said
  }

  answerAll(): void {
    for (const done of this.#waiting.splice(0)) done()
  }
}

const { externalPerAddressMax, externalPublicMax, externalPerAppMax } = CHAT_BOUNDS

test("[H21] one address with a public key takes a bounded number of an app's places", async () => {
  const slow = await SlowExternal.open()
  for (let nth = 0; nth < externalPerAddressMax; nth += 1)
    assert.equal(await slow.me(`t${nth}`, '2001:db8::1'), 'out')
  assert.equal(await slow.me('one more', '2001:db8::2'), 'full', 'of the same /64')
  assert.equal(await slow.me('another', '192.0.2.1'), 'out', 'from elsewhere')
  slow.answerAll()
  await new Promise((done) => setImmediate(done))
  assert.equal(await slow.me('one more', '2001:db8::2'), 'out')
  slow.answerAll()
})

test('[H21] public callers leave places for the API key of their app, and take none of another app', async () => {
  const slow = await SlowExternal.open()
  for (let nth = 0; nth < externalPublicMax; nth += 1)
    assert.equal(await slow.me(`t${nth}`, `192.0.2.${nth}`), 'out')
  assert.equal(await slow.me('one more', '203.0.113.1'), 'full')
  const byApiKey = { 'IM-API-KEY': API_KEY }
  for (let nth = externalPublicMax; nth < externalPerAppMax; nth += 1)
    assert.equal(await slow.me(`a${nth}`, '198.51.100.1', byApiKey), 'out')
  assert.equal(await slow.me('one more', '198.51.100.1', byApiKey), 'full')
  assert.equal(await slow.me('theirs', '203.0.113.1', { 'IM-CLIENT-KEY': NEW_KEYS[1] }), 200)
  const revoked = await slow.world.send({
    method: 'DELETE',
    path: tokenPath('u1'),
    headers: { ...ADMIN, ...JSON_BODY },
  })
  assert.notEqual(revoked.status, 503, 'what ends tokens asks nobody')
  slow.answerAll()
})
