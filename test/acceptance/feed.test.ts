import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Calls, CONTROL, JSON_BODY } from '../kit/calls.ts'
import { FeedReader, type SseEvent } from '../kit/feed-client.ts'
import { openServer, type TestServer } from '../kit/in-process.ts'
import { SVC } from '../kit/seed.ts'

const KEY = { authorization: 'Bearer orders-api-key-0123456789' }
const FEED = '/control/v1/feed'

type Json = Readonly<Record<string, unknown>>
type Told = { readonly status: number; readonly body: Json }

describe('the feed', () => {
  let server: TestServer
  let calls: Calls
  before(async () => {
    server = await openServer({ time: 'real' })
    calls = new Calls(server.port)
  })
  after(async () => {
    calls.close()
    await server.close()
  })

  const read = (query: string, headers: Readonly<Record<string, string>> = KEY): FeedReader =>
    new FeedReader(`${server.url}${FEED}${query}`, headers)
  const get = async (path: string, headers: Readonly<Record<string, string>> = KEY): Promise<Told> => {
    const answer = await fetch(server.url + path, { headers })
    return { status: answer.status, body: (await answer.json()) as Json }
  }
  const ack = async (body: Json): Promise<Told> => {
    const headers = { ...KEY, 'content-type': 'application/json' }
    const answer = await fetch(`${server.url}${FEED}/acks`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    return { status: answer.status, body: (await answer.json()) as Json }
  }
  const revoke = async (): Promise<void> => {
    await calls.oauthRevoke(SVC, await calls.oauthToken(SVC))
  }
  const dataOf = (event: SseEvent | undefined): Json => {
    assert.ok(event)
    return event.data as Json
  }

  // Runs before other instances exist that could be behind.
  test('waiting until a revocation is enforced names the instances behind, and does not wait for lapsed ones', async () => {
    const readers = ['refuse', 'allow'].map((policy) => read(`?bound=100&onStale=${policy}`))
    const hellos = await Promise.all(readers.map(async (reader) => dataOf(await reader.next())))
    const [refuses, allows] = hellos.map((hello) => hello['instance'])
    const body = async (): Promise<string> => {
      const target = { token: await calls.oauthToken(SVC) }
      return JSON.stringify({ target, reason: 'test', wait: 'enforced', timeoutMs: 1_000 })
    }
    const made = await calls.send('POST /control/v1/revocations', [CONTROL, JSON_BODY], await body())
    const receipt = JSON.parse(made.body.toString()) as Json
    assert.deepEqual([made.status, receipt['enforced']], [201, false])
    const laggards = receipt['laggards'] as readonly Json[]
    assert.deepEqual(
      laggards.map(({ verifier, instance, state }) => [verifier, instance, state]),
      [['orders-api', allows, 'behind']],
    )
    const whole = await get(`/control/v1/revocations/${String(receipt['id'])}`, {
      authorization: CONTROL.slice('Authorization: '.length),
    })
    const states = (whole.body['instances'] as readonly Json[]).map(({ instance, state }) => [
      instance,
      state,
    ])
    assert.ok(states.some(([instance, state]) => instance === refuses && state === 'lapsed'))
    const last = (await readers[1]?.next())?.id
    assert.equal((await ack({ instance: allows, position: last, bound: 100, leaving: true })).status, 200)
    const again = await calls.send('POST /control/v1/revocations', [CONTROL, JSON_BODY], await body())
    assert.equal((JSON.parse(again.body.toString()) as Json)['enforced'], true)
    for (const reader of readers) reader.close()
  })

  test('begins with hello, then sends every committed group in order', async () => {
    const reader = read('?bound=5000')
    const hello = await reader.next()
    assert.equal(hello?.event, 'hello')
    assert.match(String(dataOf(hello)['instance']), /^ins_[A-Za-z0-9_-]{22}$/)
    let last = String(dataOf(hello)['position'])
    for (let nth = 0; nth < 3; nth += 1) {
      await revoke()
      const event = await reader.next()
      assert.equal(event?.event, 'rows')
      const { prev, seq, position, chain, rows } = dataOf(event)
      assert.equal(String(prev), last.split('.')[2])
      assert.equal((rows as unknown[]).length, Number(seq) - Number(prev))
      assert.equal(event?.id, position)
      assert.equal(String(position).split('.')[3], chain)
      last = String(position)
    }
    reader.close()
  })

  test('resumes at any position that it gave, and without one starts at the head', async () => {
    const first = read('')
    const from = String(dataOf(await first.next())['position'])
    await revoke()
    await revoke()
    const seen = [await first.next(), await first.next()].map((event) => event?.id)
    first.close()
    const again = read(`?after=${from}`)
    await again.next()
    const told: string[] = []
    while (told.at(-1) !== seen[1]) told.push(String((await again.next())?.id))
    assert.equal(told.at(-1), seen[1])
    again.close()
    const browser = read('', { ...KEY, 'last-event-id': String(seen[0]) })
    await browser.next()
    assert.equal((await browser.next())?.id, seen[1], 'as an EventSource comes back')
    browser.close()
  })

  test('a plain reader is not an instance, and not in the registry', async () => {
    const reader = read('')
    assert.equal('instance' in dataOf(await reader.next()), false)
    reader.close()
  })

  test('serves NDJSON and long polls on request', async () => {
    const lines = read('?bound=5000', { ...KEY, accept: 'application/x-ndjson' })
    while (!lines.body.includes('\n')) await new Promise((resolve) => setImmediate(resolve))
    const hello = JSON.parse(lines.body.split('\n')[0] ?? '') as Json
    assert.equal(hello['event'], 'hello')
    const poll = { ...KEY, accept: 'application/json' }
    const waiting = get(`${FEED}?after=${String(hello['position'])}&wait=20`, poll)
    await revoke()
    const { status, body } = await waiting
    assert.equal(status, 200)
    assert.equal((body['events'] as unknown[]).length, 1)
    while (lines.body.split('\n').length < 3) await new Promise((resolve) => setImmediate(resolve))
    const rows = JSON.parse(lines.body.split('\n')[1] ?? '') as Json
    assert.deepEqual({ ...rows, event: undefined }, { ...(body['events'] as Json[])[0], event: undefined })
    assert.equal(rows['position'], body['position'])
    const idle = await get(`${FEED}?after=${String(body['position'])}`, poll)
    assert.deepEqual([idle.status, idle.body['events']], [200, []])
    lines.close()
  })

  test('[C08] only a verifier key is let in, and only for its own realm', async () => {
    assert.equal((await get(FEED, {})).status, 401)
    assert.equal((await get(FEED, { authorization: 'Bearer nonsense' })).status, 401)
    assert.equal(
      (await get(`${FEED}/config`, { authorization: CONTROL.slice('Authorization: '.length) })).status,
      403,
    )
    assert.equal((await get(`${FEED}/config?realm=other`)).status, 404)
    assert.equal((await get('/control/v1/verifiers')).status, 403)
  })

  test('an invented, shortened or changed position is 400 and proves nothing', async () => {
    const { body } = await get(`${FEED}/config`)
    const position = String(body['position'])
    const [ordinal, epoch, seq, chain, tag] = position.split('.')
    const forged = [
      'nonsense',
      position.slice(0, -1),
      `${ordinal}.${epoch}.${Number(seq) + 1_000}.${chain}.${tag}`,
      `${ordinal}.${epoch}.${seq}.${chain}.${'A'.repeat(43)}`,
      `${Number(ordinal) + 1}.${epoch}.${seq}.${chain}.${tag}`,
    ]
    for (const after of forged) {
      assert.equal((await get(`${FEED}?after=${after}`)).status, 400, after)
      assert.equal((await get(`${FEED}?after=${after}`, { ...KEY, accept: 'application/json' })).status, 400)
    }
    await revoke()
    assert.equal((await get(`${FEED}/config`)).status, 200, 'and nothing has stopped')
  })

  test('an empty Last-Event-ID counts as absent: the stream begins at the head, and a poll waits there [R6]', async () => {
    for (const last of ['', ' ', '\t ']) {
      const reader = read('', { ...KEY, 'last-event-id': last })
      const hello = dataOf(await reader.next())
      assert.equal(typeof hello['position'], 'string')
      reader.close()
      const polled = await get(FEED, { ...KEY, 'last-event-id': last, accept: 'application/json' })
      assert.equal(polled.status, 200)
    }
    const invented = { ...KEY, 'last-event-id': 'x' }
    assert.equal((await get(FEED, invented)).status, 400, 'one that is none of ours')
    const snapshotted = read(`?after=${String(dataOf(await read('').next())['position'])}`, {
      ...KEY,
      'last-event-id': '',
    })
    assert.ok(dataOf(await snapshotted.next())['position'], 'a place in the query counts beside it')
    snapshotted.close()
  })

  test('acknowledgements return the head of the log, and the registry shows who has applied what', async () => {
    const reader = read('?bound=60000&onStale=ask')
    const hello = dataOf(await reader.next())
    const instance = String(hello['instance'])
    const bound = 60_000
    const first = await ack({ instance, position: hello['position'], bound })
    assert.deepEqual([first.status, first.body['position']], [200, hello['position']])
    await revoke()
    const behind = await ack({ instance, position: hello['position'], bound })
    assert.notEqual(behind.body['position'], hello['position'])
    const show = async (): Promise<Json | undefined> => {
      const { body } = await get('/control/v1/verifiers', {
        authorization: CONTROL.slice('Authorization: '.length),
      })
      const [verifier] = body['verifiers'] as { readonly instances: readonly Json[] }[]
      return verifier?.instances.find((one) => one['instance'] === instance)
    }
    const { connected, lapsed, behind: rows, onStale } = (await show()) as Json
    assert.deepEqual([connected, lapsed, rows, onStale], [true, false, 1, 'ask'])
    const rowsEvent = await reader.next()
    await ack({ instance, position: rowsEvent?.id, bound })
    assert.equal((await show())?.['behind'], 0)
    assert.equal((await ack({ instance: 'ins_nobody', position: rowsEvent?.id, bound })).status, 404)
    assert.equal((await ack({ instance, position: 'made up', bound })).status, 400)
    assert.equal((await ack({ instance, position: rowsEvent?.id, bound, leaving: true })).status, 200)
    assert.equal(await show(), undefined)
    reader.close()
  })

  test('[W58] an instance has its own latest label in lists and receipts', async () => {
    const first = read('?bound=60000&label=pod%20%C3%A4-7')
    const { instance, position } = dataOf(await first.next())
    const control = { authorization: CONTROL.slice('Authorization: '.length) }
    const show = async (): Promise<Json | undefined> => {
      const { body } = await get('/control/v1/verifiers', control)
      const [verifier] = body['verifiers'] as { readonly instances: readonly Json[] }[]
      return verifier?.instances.find((one) => one['instance'] === instance)
    }
    assert.equal((await show())?.['label'], 'pod ä-7')
    const target = { token: await calls.oauthToken(SVC) }
    const made = await calls.control('POST /revocations', { target, reason: 'test' })
    const { id } = JSON.parse(made.body.toString()) as Json
    const receipt = await get(`/control/v1/revocations/${String(id)}`, control)
    const instances = receipt.body['instances'] as readonly Json[]
    assert.equal(instances.find((one) => one['instance'] === instance)?.['label'], 'pod ä-7')
    const again = read(`?bound=60000&instance=${String(instance)}&label=pod-8`)
    await again.next()
    assert.equal((await show())?.['label'], 'pod-8')
    for (const label of ['', 'a%0Ab', 'a%7Fb', 'x'.repeat(129)])
      assert.equal((await get(`${FEED}?bound=60000&label=${label}`)).status, 422, label)
    assert.equal((await ack({ instance, position, bound: 60_000, leaving: true })).status, 200)
    first.close()
    again.close()
  })

  test('[B14] a key that is deleted is refused, and its streams are closed', async () => {
    const made = await calls.send(
      'POST /control/v1/verifiers',
      [CONTROL, JSON_BODY],
      '{"name":"short lived"}',
    )
    assert.equal(made.status, 201)
    const { key } = JSON.parse(made.body.toString()) as { readonly key: string }
    assert.match(key, /^rsv_/)
    const twice = await calls.send(
      'POST /control/v1/verifiers',
      [CONTROL, JSON_BODY],
      '{"name":"short lived"}',
    )
    assert.equal(twice.status, 409)
    const headers = { authorization: `Bearer ${key}` }
    const reader = read('?bound=5000', headers)
    const other = read('?bound=5000')
    await Promise.all([reader.next(), other.next()])
    const gone = await calls.control('DELETE /verifiers/short%20lived')
    assert.equal(gone.status, 204)
    assert.deepEqual(await reader.next(), { event: 'reset', id: undefined, data: { why: 'key' } })
    assert.equal(await reader.next(), undefined)
    assert.equal((await get(`${FEED}/config`, headers)).status, 401)
    await revoke()
    assert.equal((await other.next())?.event, 'rows', 'nobody else is cut off')
    other.close()
  })
})

test('a stopping server tells its readers, and does not wait for them', async () => {
  const server = await openServer({ time: 'real' })
  const reader = new FeedReader(`${server.url}${FEED}?bound=5000`, KEY)
  await reader.next()
  await server.close()
  assert.deepEqual((await reader.next())?.data, { why: 'stopping' })
})
