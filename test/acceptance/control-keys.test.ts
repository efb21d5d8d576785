import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Calls, CONTROL, JSON_BODY, jsonOf, memberAt, textAt } from '../kit/calls.ts'
import { openForFile, openServer } from '../kit/in-process.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { SEED } from '../kit/seed.ts'

const seed = { realms: [...SEED.realms, { name: 'branch' }, { name: 'north' }] }
const { calls } = await openForFile({ time: 'hand', seed })

type Made = { readonly id: string; readonly header: string }

async function make(body: object, by = CONTROL): Promise<Made> {
  const answer = await calls.control('POST /keys', body, by)
  assert.equal(answer.status, 201, answer.body.toString())
  return { id: textAt(answer, 'id'), header: `Authorization: Bearer ${textAt(answer, 'key')}` }
}

const KEYS = '/control/v1/keys'

test('a key is shown once, works at once, and never again once it is revoked', async () => {
  const answer = await calls.json(`POST ${KEYS}`, { name: 'ops', role: 'responder' })
  assert.equal(answer.status, 201)
  const [id, key] = [textAt(answer, 'id'), textAt(answer, 'key')]
  assert.match(key, /^rsc_[0-9A-Za-z]{36}$/)
  const header = `Authorization: Bearer ${key}`
  assert.equal((await calls.json(`GET ${KEYS}/${id}`, undefined, header)).status, 200)
  for (const line of [`GET ${KEYS}/${id}`, `GET ${KEYS}?limit=1000`])
    assert.ok(!(await calls.json(line)).body.toString().includes(key))
  assert.equal((await calls.json(`DELETE ${KEYS}/${id}`)).status, 204)
  assert.equal((await calls.json(`GET ${KEYS}`, undefined, header)).status, 401)
  assert.equal((await calls.json(`GET ${KEYS}/${id}`)).status, 404)
  assert.equal((await calls.json(`DELETE ${KEYS}/${id}`)).status, 404)
})

test('the last admin key of all realms cannot be deleted, not even by two concurrent calls', async () => {
  const home = await openServer({ time: 'hand' })
  const own = new Calls(home.port)
  try {
    assert.equal((await own.send(`DELETE ${KEYS}/first`, [CONTROL])).status, 409)
    const body = JSON.stringify({ name: 'in default', role: 'admin', realm: 'default' })
    assert.equal((await own.send(`POST ${KEYS}`, [CONTROL, JSON_BODY], body)).status, 201)
    assert.equal((await own.send(`DELETE ${KEYS}/first`, [CONTROL])).status, 409, 'a realm key is none')
    const second = await own.send(`POST ${KEYS}`, [CONTROL, JSON_BODY], '{"name":"second","role":"admin"}')
    const id = textAt(second, 'id')
    const header = `Authorization: Bearer ${textAt(second, 'key')}`
    const other = new Calls(home.port)
    const statuses = await Promise.all([
      own.send(`DELETE ${KEYS}/first`, [header]).then(({ status }) => status),
      other.send(`DELETE ${KEYS}/${id}`, [CONTROL]).then(({ status }) => status),
    ])
    other.close()
    assert.equal(statuses.filter((status) => status === 204).length, 1, statuses.join())
    const left: number[] = []
    for (const one of [CONTROL, header]) left.push((await own.send(`GET ${KEYS}`, [one])).status)
    assert.deepEqual(left.sort(), [200, 401])
  } finally {
    own.close()
    await home.close()
  }
})

test('a key of one realm creates, sees and revokes keys of that realm only', async () => {
  const [branch, north] = [
    await make({ name: 'branch admin', role: 'admin', realm: 'branch' }),
    await make({ name: 'north admin', role: 'admin', realm: 'north' }),
  ]
  const own = await make({ name: 'helper', role: 'viewer' }, branch.header)
  assert.equal(memberAt(await calls.json(`GET ${KEYS}/${own.id}`), 'realm'), 'branch')
  for (const realm of ['north', 'nowhere']) {
    const refused = await calls.json(`POST ${KEYS}`, { name: 'x', role: 'viewer', realm }, branch.header)
    assert.equal(refused.status, 403, 'the same for realms that are there and that are not')
  }
  const seen = memberAt(await calls.json(`GET ${KEYS}`, undefined, branch.header), 'keys') as {
    realm: string
  }[]
  assert.deepEqual(new Set(seen.map(({ realm }) => realm)), new Set(['branch']))
  for (const id of [north.id, 'first', 'key_none']) {
    const answers = [
      await calls.json(`GET ${KEYS}/${id}`, undefined, branch.header),
      await calls.json(`DELETE ${KEYS}/${id}`, undefined, branch.header),
    ]
    for (const { status, body } of answers) {
      assert.equal(status, 404)
      assert.equal(memberAt({ ...answers[0], body } as RawAnswer, 'detail'), 'no such key')
    }
  }
  assert.equal((await calls.json(`DELETE ${KEYS}/${own.id}`, undefined, branch.header)).status, 204)
  assert.equal((await calls.json(`GET ${KEYS}?realm=north`, undefined, branch.header)).status, 404)
  const filtered = memberAt(await calls.json(`GET ${KEYS}?realm=north`), 'keys') as { id: string }[]
  assert.deepEqual(
    filtered.map(({ id }) => id),
    [north.id],
  )
})

test('keys are listed page by page, and a cursor works for its own list only', async () => {
  const seen: string[] = []
  let cursor = ''
  do {
    const answer = await calls.json(`GET ${KEYS}?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)
    seen.push(...(memberAt(answer, 'keys') as { id: string }[]).map(({ id }) => id))
    cursor = (memberAt(answer, 'next') as string | undefined) ?? ''
    if (cursor !== '')
      assert.equal((await calls.json(`GET ${KEYS}?realm=north&cursor=${cursor}`)).status, 400)
  } while (cursor !== '')
  assert.equal(new Set(seen).size, seen.length)
  assert.ok(seen.includes('first'))
})

type Operation = { readonly operationId: string; readonly 'x-rescind-role': string }
type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>

/** Calls that are not GET only because their subject must not be in a URL, or has no room there. */
const ASKING = new Set([
  'verifyToken',
  'lookUpToken',
  'reviewToken',
  'find',
  'makeEvidence',
  'makeSystemEvidence',
])

async function* operations(): AsyncGenerator<{ line: string; one: Operation; safe: boolean }> {
  const { paths } = jsonOf(await calls.control('GET /openapi.json')) as { paths: Paths }
  for (const [template, methods] of Object.entries(paths)) {
    for (const [method, one] of Object.entries(methods)) {
      const line = `${method.toUpperCase()} ${template.replaceAll(/\{\w+\}/g, 'x')}`
      yield { line, one, safe: method === 'get' }
    }
  }
}

test('a viewer changes nothing by any route, and a responder nothing that needs an admin', async () => {
  const viewer = await make({ name: 'viewer', role: 'viewer' })
  const responder = await make({ name: 'responder', role: 'responder' })
  let refused = 0
  for await (const { line, one, safe } of operations()) {
    if (!safe && !ASKING.has(one.operationId)) {
      assert.equal((await calls.json(line, {}, viewer.header)).status, 403, line)
      refused += 1
    }
    if (one['x-rescind-role'] === 'admin')
      assert.equal((await calls.json(line, safe ? undefined : {}, responder.header)).status, 403, line)
  }
  assert.ok(refused >= 5)
})

test('a key of one realm is refused in another one by every route, and for all realms', async () => {
  const branch = await make({ name: 'branch', role: 'admin', realm: 'branch' })
  for await (const { line, one, safe } of operations()) {
    if (one.operationId === 'readOpenapi') continue
    const answers = []
    for (const realm of ['north', 'nowhere', 'system'])
      answers.push(await calls.json(`${line}?realm=${realm}`, safe ? undefined : {}, branch.header))
    const [first] = answers
    for (const { status, body } of answers) {
      assert.ok(status === 404 || status === 403, `${line}: ${status}`)
      assert.equal(body.toString(), first?.body.toString(), line)
    }
  }
})
