import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ANN, SVC } from '../kit/seed.ts'
import type { ServerProcess } from '../kit/server.ts'
import { Acks } from './crash/acks.ts'
import { checkAll } from './crash/checks.ts'
import { work } from './crash/workers.ts'
import { accessTokenIn, Calls, identityTokenIn, isActive } from './kit/calls.ts'
import { startCommand } from './kit/command.ts'
import { Dice } from './kit/dice.ts'
import { Place } from './kit/place.ts'
import { RawConnection, requestText } from './kit/raw-connection.ts'

/** The time that the manual promises. */
const STOP_TIMEOUT_MS = 10_000
const LOAD_ANSWERS = 150
const ISSUE = requestText(
  'POST /api/id/v1/auth/token',
  ['content-type: application/x-www-form-urlencoded'],
  `client_id=${SVC.clientId}&client_secret=${SVC.clientSecret}&grant_type=client_credentials`,
)
const LOGIN = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    auth: { passwordCredentials: { username: ANN.username, password: ANN.password } },
  }),
}
/** A point inside the body. */
const HALF = ISSUE.length - 20

describe('SIGTERM', { concurrency: true }, () => {
  it('closes idle connections, answers what is in flight, and ends with 0', async (t) => {
    const place = new Place(t)
    const server = await place.start()
    const [unused, idle, busy] = [await connect(server), await connect(server), await connect(server)]
    idle.send(requestText('GET /healthz', []))
    await idle.answered()
    busy.send(ISSUE.slice(0, HALF))
    // The first half was sent before a request that has been answered, so the server has read it.
    await ping(server)
    const stopped = stop(server)
    await Promise.all([unused.closed, idle.closed])
    busy.send(ISSUE.slice(HALF))
    const { code, tookMs } = await stopped
    await busy.closed
    assert.match(busy.text, /^HTTP\/1\.1 200 OK\r\n/)
    assert.deepEqual([code, tookMs < STOP_TIMEOUT_MS / 2], [0, true], `${tookMs} ms`)
    const again = await place.start()
    const token = /"access_token":"([^"]+)"/.exec(busy.text)?.[1] ?? ''
    assert.equal(isActive(await again.calls.introspect(token)), true)
  })

  it('answers a request that still comes on an open connection in its dialect, and closes it then', async (t) => {
    const place = new Place(t)
    const server = await place.start()
    const [idle, busy] = [await connect(server), await connect(server)]
    busy.send(ISSUE.slice(0, HALF))
    await ping(server)
    const stopped = stop(server)
    await idle.closed
    busy.send(ISSUE.slice(HALF) + requestText('GET /v2.0/tokens/abc', []))
    await busy.closed
    const [, second = ''] = busy.text.split(/(?=HTTP\/1\.1 )/)
    assert.match(second, /^HTTP\/1\.1 401 Unauthorized\r\n/)
    assert.match(second, /^connection: close\r$/im)
    assert.match(second, /\{"unauthorized":\{"code":401,/)
    assert.equal((await stopped).code, 0)
  })

  it('that comes while the server starts ends it when it has started, with 0', async (t) => {
    const place = new Place(t)
    await (await place.start()).stop()
    const { folder } = place.home
    const flags = ['--listen', '127.0.0.1:0', '--seed', 'seed.json', '--store', 'sqlite:data/rescind.db']
    const words = ['serve', ...flags, '--master-key-file', 'data/master.key']
    const starting = startCommand(t, { words, folder })
    await starting.says(/"msg":"seed applied"/)
    starting.process.kill('SIGTERM')
    const { code, stdout, stderr } = await starting.ended
    assert.equal(code, 0, stdout + stderr)
  })

  it('does not wait for the logins of a flood, which are answered 503', async (t) => {
    const place = new Place(t)
    const server = await place.start()
    const answers: number[] = []
    const workers = Array.from({ length: 40 }, async () => {
      for (;;) {
        const answer = await fetch(`${server.url}/v2.0/tokens`, LOGIN)
        answers.push(answer.status)
        await answer.bytes()
      }
    })
    const ended = Promise.allSettled(workers)
    while (answers.length < LOAD_ANSWERS) await ping(server)
    const { code, tookMs } = await stop(server)
    await ended
    assert.deepEqual([code, tookMs < STOP_TIMEOUT_MS / 2], [0, true], `${tookMs} ms`)
    assert.deepEqual([...new Set(answers)].toSorted(), [200, 503])
  })

  it('does not wait for a client that stalls, and ends within 10 s, with 0', async (t) => {
    const place = new Place(t)
    const server = await place.start()
    const stalled = await connect(server)
    stalled.send(ISSUE.slice(0, HALF))
    await ping(server)
    const { code, tookMs } = await stop(server)
    await stalled.closed
    assert.deepEqual([code, tookMs < STOP_TIMEOUT_MS, stalled.text], [0, true, ''], `${tookMs} ms`)
  })

  it('loses no acknowledged write, under load in all three dialects', async (t) => {
    const place = new Place(t)
    const server = await place.start()
    const { calls } = server
    const caller = identityTokenIn(await calls.identityLogin())
    const [acks, dice] = [new Acks(), new Dice(11)]
    const loaded = Promise.withResolvers<void>()
    let answersLeft = LOAD_ANSWERS
    const onAnswer = (): void => {
      if (answersLeft-- === 0) loaded.resolve()
    }
    const workers = (['oauth', 'identity', 'chat'] as const).flatMap((dialect) =>
      [1, 2, 3].map((at) => {
        const name = `${dialect}-${at}`
        return work(dialect, { calls, acks, caller, name, onAnswer, dice: new Dice(dice.below(2 ** 32)) })
      }),
    )
    await loaded.promise
    const { code } = await stop(server)
    await Promise.all(workers)
    assert.equal(code, 0, server.output())
    const again = await place.start()
    const { violations } = await checkAll(acks, { calls: again.calls, caller }, dice)
    assert.deepEqual(violations, [])
    assert.ok(acks.revokes > 10)
  })
})

function connect({ url }: ServerProcess): Promise<RawConnection> {
  return RawConnection.open(url)
}

async function ping({ url }: ServerProcess): Promise<void> {
  const calls = new Calls(url)
  accessTokenIn(await calls.oauthIssue())
  calls.close()
}

async function stop(server: ServerProcess): Promise<{ code: number | null; tookMs: number }> {
  const startedMs = performance.now()
  const code = await server.stop()
  return { code, tookMs: Math.round(performance.now() - startedMs) }
}
