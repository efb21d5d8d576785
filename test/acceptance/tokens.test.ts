import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CONTROL, JSON_BODY, memberAt, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { ANN, GATEWAY, OTHER, SVC } from '../kit/seed.ts'

const TOKENS = '/control/v1/tokens'

const { server, calls } = await openForFile({ time: 'hand', flags: ['--control-rate', '0'] })

type Shown = {
  readonly state: string
  readonly lastUsedAt?: string
  readonly facts: Readonly<Record<string, unknown>>
}

async function listed(query: string): Promise<Shown[]> {
  const all: Shown[] = []
  let cursor = ''
  do {
    const answer = await calls.json(`GET ${TOKENS}?${query}${cursor === '' ? '' : `&cursor=${cursor}`}`)
    assert.equal(answer.status, 200, answer.body.toString())
    all.push(...(memberAt(answer, 'tokens') as Shown[]))
    cursor = (memberAt(answer, 'next') as string | undefined) ?? ''
  } while (cursor !== '')
  return all
}

function lookUp(token: string): Promise<RawAnswer> {
  return calls.json(`POST ${TOKENS}/lookup`, { token })
}

test('live tokens are listed by any of their ids, page by page, each once', async () => {
  for (let nth = 0; nth < 7; nth += 1) await calls.oauthToken(nth % 2 === 0 ? SVC : OTHER)
  await calls.identityToken(ANN)
  const { access, refresh } = await calls.oauthGrant('alice')
  assert.equal((await listed('limit=3&client=svc&kind=access')).length, 5)
  assert.equal((await listed('limit=1&source=oauth&client=other')).length, 3)
  assert.equal((await listed('source=identity&subject=77')).length, 1)
  assert.equal((await listed('tenant=900100')).length, 1)
  const family = await listed('subject=alice&limit=1')
  assert.deepEqual(family.map(({ facts }) => facts['kind']).sort(), ['access', 'refresh'])
  assert.equal((await listed(`grant=${String(family[0]?.facts['grant'])}`)).length, 2)
  assert.equal((await listed('subject=nobody')).length, 0)
  await calls.oauthRevoke(SVC, access)
  assert.deepEqual(
    (await listed('subject=alice')).map(({ facts }) => facts['kind']),
    ['refresh'],
  )
  assert.deepEqual(
    (await listed('subject=alice&state=all&kind=access')).map(({ state }) => state),
    ['revoked'],
  )
  await calls.oauthRefresh(SVC, refresh)
  const refreshes = await listed('subject=alice&kind=refresh&state=all')
  assert.deepEqual(refreshes.map(({ state }) => state).sort(), ['active', 'consumed'])
})

test('a token is looked up by its text, which is never repeated, and by its handle', async () => {
  const token = await calls.oauthToken(SVC)
  const found = await lookUp(token)
  assert.equal(found.status, 200)
  assert.ok(!found.body.toString().includes(token))
  const handle = textAt(found, 'facts', 'handle')
  const read = await calls.json(`GET ${TOKENS}/${handle}`)
  assert.deepEqual(memberAt(read, 'facts'), memberAt(found, 'facts'))
  assert.equal((await lookUp('nothing')).status, 404)
  assert.equal((await calls.json(`GET ${TOKENS}/tok_none`)).status, 404)
  const elsewhere = JSON.stringify({ name: 'b' })
  assert.equal((await calls.send('POST /control/v1/realms', [CONTROL, JSON_BODY], elsewhere)).status, 201)
  for (const line of [`GET ${TOKENS}/${handle}?realm=b`, `POST ${TOKENS}/lookup?realm=b`]) {
    const body = line.startsWith('POST') ? JSON.stringify({ token }) : undefined
    assert.equal(
      (await calls.send(line, body === undefined ? [CONTROL] : [CONTROL, JSON_BODY], body)).status,
      404,
    )
  }
})

test('the last use is known to the minute, and counted by previews for a quarter of an hour', async () => {
  const token = await calls.oauthToken(OTHER)
  assert.equal(memberAt(await lookUp(token), 'lastUsedAt'), undefined)
  server.clock.advance(90_500)
  assert.ok(await calls.isActive(GATEWAY, token))
  const used = new Date(Math.floor(server.clock.wallMs() / 60_000) * 60_000).toISOString()
  assert.equal(memberAt(await lookUp(token), 'lastUsedAt'), used)
  const preview = async (): Promise<unknown> => {
    const body = { target: { source: 'oauth', client: 'other' }, reason: 'r', dryRun: true }
    const answer = await calls.control('POST /revocations', body)
    return memberAt(answer, 'usedLast15Minutes')
  }
  assert.equal(await preview(), 1)
  server.clock.advance(900_000)
  assert.equal(await preview(), 0)
})

test('[H1] a refused token does not count as used: trying a leaked refresh token leaves no sign of life', async () => {
  const { refresh } = await calls.oauthGrant('refused')
  const tried = await calls.send('GET /check', [`Authorization: Bearer ${refresh}`])
  assert.equal(tried.status, 401)
  assert.equal(await calls.isActive(GATEWAY, refresh), false)
  assert.equal(memberAt(await lookUp(refresh), 'lastUsedAt'), undefined)
})
