import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ADMIN, type ChatWorld, openChat, type Reply, tokenPath } from './fixture.test.ts'

const TOKEN = 'test-token$123'
const GOOD_TYPE = 'application/json; charset=utf-8'
const TYPES = [
  undefined,
  '',
  'text/plain',
  'application/x-www-form-urlencoded',
  'application/json; charset=latin1',
  'application/json; charset=utf-16',
  'application/jsonp',
  'application/ld+json',
  'application/json, text/plain',
  'multipart/form-data; boundary=x',
]

/**
 * Whether a body may mean "all": empty, or an object without members, with or without a byte order mark. Written
 * without the code under test.
 */
function meansAll(body: Buffer, type: string | undefined): boolean {
  if (body.length === 0) return true
  return (
    type === GOOD_TYPE &&
    /^(?:\xef\xbb\xbf)?[ \t\r\n]*\{[ \t\r\n]*\}[ \t\r\n]*$/.test(body.toString('latin1'))
  )
}

const texts = fc.oneof(
  fc.constantFrom('{}', `{"token":"${TOKEN}"}`, '{"token":""}', '{"token":null}', '[]', 'null', '""', '0'),
  // Any value where text belongs, and any members instead of `token`.
  fc.jsonValue().map((value) => JSON.stringify({ token: value })),
  fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }).map((value) => JSON.stringify(value)),
  fc.jsonValue().map((value) => JSON.stringify(value)),
  // A repeated member, or one whose name is nearly `token`.
  fc
    .tuple(fc.constantFrom('"token":1', '"token":"a"', '"tok\\u0065n":"a"', '"Token":"a"'), fc.boolean())
    .map(([one, twice]) => (twice ? `{${one},${one}}` : `{${one}}`)),
  fc.constantFrom(
    '{"__proto__":{}}',
    '{"constructor":1}',
    '{"target":"u1"}',
    '{"client":"u2"}',
    '{"all":true}',
    '{,}',
    '{}{}',
    '{};',
    '{}//',
    '{}\u0000',
    '\ufeff{}',
    '\u00a0{}',
    '{\u2028}',
    '{"":""}',
    'undefined',
    'token=',
    '{"token":undefined}',
    "{'token':'a'}",
    ' ',
    '\n',
    '{"token":"\\ud800"}',
    '{"token":"a\\u0000"}',
  ),
)

/** One edit of the bytes, as by a broken client or a bad line. */
const edits = fc.record({
  how: fc.constantFrom('none', 'none', 'cut', 'drop', 'insert', 'flip', 'utf16'),
  at: fc.nat(),
  byte: fc.integer({ min: 0, max: 255 }),
})

function edited(text: string, edit: { how: string; at: number; byte: number }): Buffer {
  const bytes = Buffer.from(text, 'utf8')
  const at = bytes.length === 0 ? 0 : edit.at % bytes.length
  switch (edit.how) {
    case 'cut':
      return bytes.subarray(0, at)
    case 'drop':
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
    case 'insert':
      return Buffer.concat([bytes.subarray(0, at), Buffer.of(edit.byte), bytes.subarray(at)])
    case 'flip':
      return Buffer.from(bytes.map((byte, index) => (index === at ? byte ^ (edit.byte || 1) : byte)))
    case 'utf16':
      return Buffer.from(text, 'utf16le')
    default:
      return bytes
  }
}

async function revoke(world: ChatWorld, body: Buffer, type: string | undefined): Promise<Reply> {
  const headers = { ...ADMIN, ...(type === undefined ? {} : { 'content-type': type }) }
  return world.send({ method: 'DELETE', path: tokenPath('u1'), headers, body })
}

async function openWithTokens(): Promise<{ world: ChatWorld; tokens: string[] }> {
  const world = await openChat()
  const tokens = await world.client('u1', 2)
  await world.admin('PUT', tokenPath('u1'), { token: TOKEN })
  return { world, tokens }
}

test('of thousands of broken bodies none revokes all, and only an intact one revokes anything', async (t) => {
  const { world, tokens } = await openWithTokens()
  let tried = 0
  let refused = 0
  await fc.assert(
    fc.asyncProperty(
      texts,
      edits,
      fc.constantFrom(GOOD_TYPE, GOOD_TYPE, ...TYPES),
      async (text, edit, type) => {
        const body = edited(text, edit)
        if (meansAll(body, type)) return
        tried += 1
        const head = world.realm.index.seq
        const { status } = await revoke(world, body, type)
        if (status === 400) refused += 1
        for (const token of tokens) assert.equal(await world.isLive(token), true)
        if (status === 200) {
          // Only the intact body, and only the first time; from then on it is 404.
          assert.deepEqual(JSON.parse(body.toString()), { token: TOKEN })
          assert.equal(world.realm.index.seq, head + 1)
        } else assert([400, 404].includes(status), `${status} ${body.toString()}`)
        if (status !== 200) assert.equal(world.realm.index.seq, head)
      },
    ),
    { numRuns: 4_000 },
  )
  t.diagnostic(`${tried} bodies that do not mean "all" were tried, ${refused} of them were 400`)
  assert(tried >= 2_000, `only ${tried} bodies were tried`)
  assert(refused >= tried / 2)
})

test('neither a prefix of a valid body nor a valid body with a byte added means "all"', async (t) => {
  const { world, tokens } = await openWithTokens()
  let tried = 0
  for (const text of ['{}', `{"token":"never-seen"}`]) {
    const whole = Buffer.from(text)
    const bodies: Buffer[] = []
    for (let at = 1; at < whole.length; at += 1) bodies.push(whole.subarray(0, at), whole.subarray(at))
    for (let at = 0; at <= whole.length; at += 1) {
      for (let byte = 0; byte < 256; byte += 1)
        bodies.push(Buffer.concat([whole.subarray(0, at), Buffer.of(byte), whole.subarray(at)]))
    }
    for (const body of bodies) {
      if (meansAll(body, GOOD_TYPE)) continue
      tried += 1
      const { status } = await revoke(world, body, GOOD_TYPE)
      assert([400, 404].includes(status), `${status} ${body.toString()}`)
    }
  }
  for (const token of [...tokens, TOKEN]) assert.equal(await world.isLive(token), true)
  t.diagnostic(`${tried} bodies were tried`)
  assert(tried >= 2_000)
})

test('an empty object under a content type that is not JSON in UTF-8 is 400', async () => {
  const { world, tokens } = await openWithTokens()
  for (const type of TYPES) {
    for (const text of ['{}', ' {} ', `{"token":"${TOKEN}"}`]) {
      const { status, json } = await revoke(world, Buffer.from(text), type)
      assert.equal(status, 400, `${type} ${text}`)
      assert.equal(json.error.code, 'INVALID_BODY')
    }
  }
  for (const token of [...tokens, TOKEN]) assert.equal(await world.isLive(token), true)
})
