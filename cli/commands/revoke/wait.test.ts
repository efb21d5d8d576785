import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { Responder } from '../../../test/kit/cli/responder.ts'
import { FeedReader } from '../../../test/kit/feed-client.ts'

const KEY = { authorization: 'Bearer orders-api-key-0123456789' }
const BEARER = `Authorization: ${KEY.authorization}`
const WORDS = ['revoke', '--source', 'oauth', '--subject', 'ann', '--reason', 'leak', '--yes']

type Json = Readonly<Record<string, unknown>>

let responder: Responder
let verifier: FeedReader
let hello: Json

before(async () => {
  responder = await Responder.open()
})
after(() => responder.close())
afterEach(async () => {
  await tell({ position: hello['position'], leaving: true })
  verifier.close()
})

/** A verifier that follows, and says nothing unless it is told to. */
async function follow(): Promise<void> {
  verifier = new FeedReader(`${responder.server.url}/control/v1/feed?bound=60000&label=web-1`, KEY)
  hello = (await verifier.next())?.data as Json
}

async function tell(more: Json): Promise<void> {
  const body = { instance: hello['instance'], bound: 60_000, ...more }
  assert.equal((await responder.calls.control('POST /feed/acks', body, BEARER)).status, 200)
}

async function acknowledge(): Promise<void> {
  await tell({ position: (await verifier.next())?.id })
}

test('the receipt fills in on a terminal, and the command ends once every verifier refuses it', async () => {
  await follow()
  const terminal = responder.sit([...WORDS, '--wait'])
  await terminal.shows(/Waiting: 0 of 1 verifiers refuse it[\s\S]*orders-api +ins_\S+ +web-1 +behind/)
  await acknowledge()
  assert.equal(await terminal.ended, 0, terminal.screen)
  assert.match(
    terminal.screen,
    /verifiers +1 of 1 refuse it, since [\s\S]*orders-api +ins_\S+ +web-1 +applied +\d+ ms/,
  )
  assert.ok(!terminal.screen.includes('Waiting'))
})

test('without a terminal each change is a line, and --json is the receipt with its instances', async () => {
  await follow()
  const [text, json] = await Promise.all([
    responder.run([...WORDS, '--wait=30']),
    responder.run([...WORDS, '--wait=30', '--json']),
    acknowledge().then(() => acknowledge()),
  ])
  assert.equal(text.code, 0, text.stderr)
  assert.match(text.stderr, /orders-api ins_\S+ \(web-1\) applied/)
  const receipt = JSON.parse(json.stdout) as Json
  assert.deepEqual([receipt['enforced'], receipt['instanceCount'], json.stderr], [true, 1, ''])
})

test('when a verifier does not follow in time, longer than --timeout, the exit code is 3 and the laggard is named', async () => {
  await follow()
  const { code, stdout } = await responder.run([...WORDS, '--timeout', '2', '--wait=2.2'])
  assert.equal(code, 3)
  assert.match(
    stdout,
    /^Revoked everything[\s\S]*1 of 1 may accept it still[\s\S]*orders-api ins_\S+ \(web-1\) behind/,
  )
  assert.match(stdout, /Restart those that stay behind/)
})

test('Ctrl-C ends the waiting with 130, and says that it is revoked', async () => {
  await follow()
  const terminal = responder.sit([...WORDS, '--wait'])
  await terminal.shows(/Waiting: 0 of 1/)
  terminal.type('\x03')
  assert.equal(await terminal.ended, 130, terminal.screen)
  assert.match(terminal.screen, /receipt +rev_1_\d+[\s\S]*It is revoked\. Only the waiting/)
})
