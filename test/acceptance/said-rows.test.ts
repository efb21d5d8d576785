import assert from 'node:assert/strict'
import { test } from 'node:test'
import { displayText } from '@rescind/core/bytes'
import fc from 'fast-check'
import { checkExport } from '../../server/audit/export.ts'
import { memberAt, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { ROOT } from '../kit/seed.ts'

const { server, calls } = await openForFile({ time: 'hand', flags: ['--control-rate', '0'] })
const two = (value: number): string => String(value).padStart(2, '0')
const int = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max })

/** Instants of RFC 3339, mostly at the edges of the valid range: 1970, now, 9999, with every offset. */
const anyInstant = fc
  .record({
    year: fc.constantFrom(0, 1969, 1970, 1971, 2025, 2026, 2027, 9998, 9999),
    edge: fc.boolean(),
    hour: int(0, 23),
    fraction: fc.constantFrom('', '.0', '.999', '.9999999', '.000000001'),
    offset: fc.oneof(fc.constant('Z'), fc.tuple(fc.constantFrom('+', '-'), int(0, 23), int(0, 59))),
  })
  .map(({ year, edge, hour, fraction, offset }) => {
    const date = edge ? '12-31' : '01-01'
    const zone = Array.isArray(offset) ? `${offset[0]}${two(offset[1])}:${two(offset[2])}` : offset
    return `${String(year).padStart(4, '0')}-${date}T${two(hour)}:59:59${fraction}${zone}`
  })

const anyName = fc.oneof(
  fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }),
  fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }),
  fc.constantFrom('__proto__', 'constructor', '"', '\\', '\u0000', '\u2028', '{"by":1}', 'é'.repeat(600)),
)
const maybe = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(one, { nil: undefined })

const anyTarget = fc.oneof(
  fc.record({
    source: fc.constantFrom('oauth', 'identity', 'chat/acme', ['oauth', 'identity']),
    subject: maybe(anyName),
    client: maybe(anyName),
    tenant: maybe(anyName),
  }),
  fc.record({ source: fc.constantFrom('oauth', 'identity'), session: anyName }),
  fc.record({ source: fc.constantFrom('oauth', 'identity'), grant: anyName }),
  fc.record({ key: fc.constant('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs') }),
  fc.constant({ realm: true }),
)

const anyRequest = fc.record({
  call: fc.constantFrom('/revocations', '/holds', '/revocations/scheduled', '/approvals'),
  target: anyTarget,
  reason: anyName,
  note: maybe(anyName),
  issuedBefore: maybe(anyInstant),
  time: maybe(anyInstant),
})

/** Further members that the call needs. */
function bodyOf({
  call,
  time,
  ...rule
}: typeof anyRequest extends fc.Arbitrary<infer R> ? R : never): object {
  if (call === '/holds')
    return { ...rule, atDeadline: 'release', ...(time === undefined ? { seconds: 60 } : { until: time }) }
  return call === '/revocations/scheduled' ? { ...rule, at: time ?? '2026-03-02T00:00:00Z' } : rule
}

async function* linesOf(answer: RawAnswer): AsyncGenerator<string> {
  yield* answer.body.toString('utf8').trimEnd().split('\n')
}

test('[H18] the row of every accepted request can be shown by every reader of rows, and no request is 500', async () => {
  let written = 0
  const property = fc.asyncProperty(anyRequest, async (request) => {
    const before_ = server.power.writes
    const answer = await calls.control(`POST ${request.call}`, bodyOf(request))
    const told = `${answer.status} ${answer.body.toString()}`
    assert.ok(answer.status < 500, told)
    if (answer.status >= 300) return assert.equal(server.power.writes, before_, told)
    written += 1
    const id = textAt(answer, 'id')
    // A hold on the whole realm would refuse the readers' own caller, which is not tested here.
    if (request.call === '/holds') await calls.control(`POST /holds/${id}/release`, { reason: 'r' })
    const again = await calls.control(`GET ${request.call}/${id}`)
    assert.equal(again.status, 200, again.body.toString())
    assert.deepEqual(memberAt(again, 'covers'), memberAt(answer, 'covers'))
    // Characters that change how text is shown are not stored (test/acceptance/free-text.test.ts).
    assert.equal(memberAt(again, 'reason'), displayText(request.reason) || '[text that does not show]')
    const audit = await calls.control('GET /audit?limit=8')
    assert.equal(audit.status, 200)
    assert.doesNotMatch(audit.body.toString(), /unreadable|no instant/)
  })
  await fc.assert(property, { numRuns: 200 })
  // About one in eight is accepted; far fewer would mean that the requests are not the intended ones.
  assert.ok(written >= 5, `${written} were let in`)

  for (const path of [
    '/revocations',
    '/holds?state=ended',
    '/revocations/scheduled',
    '/approvals',
    '/audit?limit=1000',
  ]) {
    const list = await calls.control(`GET ${path}`)
    assert.equal(list.status, 200, `${path} ${list.body.toString()}`)
    assert.doesNotMatch(list.body.toString(), /unreadable|no instant/, path)
  }
  const checked = await checkExport(linesOf(await calls.control('GET /audit/export')), [])
  assert.equal(checked.kind, 'right', JSON.stringify(checked))
  const snapshot = await calls.send('GET /control/v1/feed/snapshot', [
    'Authorization: Bearer orders-api-key-0123456789',
  ])
  assert.equal(snapshot.status, 200)
  const asked = `X-Auth-Token: ${await calls.identityToken(ROOT)}`
  const events = await calls.send('GET /v3/OS-REVOKE/events', [asked])
  assert.equal(events.status, 200, events.body.toString())
  assert.doesNotMatch(events.body.toString(), /no instant/)
})
