import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mintText, TokenGrammar } from '@rescind/core'
import fc from 'fast-check'
import { SeededRandom } from '../../test/kit/realm.ts'
import { CANDIDATES_MAX, Finder } from './find.ts'
import { LINE_MAX_BYTES, type Line, linesOf } from './lines.ts'

const random = new SeededRandom('find')
const finder = new Finder(new TokenGrammar({ access: 'acme_at_' }, ['old_']))
const text = (line: string): unknown[] =>
  finder.candidatesIn(line).map((one) => (one.kind === 'text' ? one.text : one.kind))

test('text of every prefix, own, former and usual ones, is found wherever it stands', () => {
  for (const prefix of ['acme_at_', 'old_', 'rsa_', 'rsr_', 'rsc_', 'rsk_']) {
    const token = mintText(prefix, random).reveal()
    for (const line of [
      token,
      `x=${token}&y`,
      `"${token}"`,
      `a ${token}.`,
      `<${token}>`,
      `/p/${token}/q`,
      `é${token}é`,
    ])
      assert.deepEqual(text(line), [token], line)
    const broken = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`
    assert.deepEqual(text(broken), [broken], 'only as a whole line')
    assert.deepEqual(text(`x ${broken}`), [`x ${broken}`])
  }
})

test('as many candidates as are looked for in one line are found, and not one more', () => {
  const tokens = Array.from({ length: CANDIDATES_MAX + 1 }, () => mintText('rsa_', random).reveal())
  assert.deepEqual(text(tokens.slice(1).join(' ')), tokens.slice(1))
  assert.deepEqual(text(tokens.join(' ')), tokens.slice(0, -1))
})

test('a hostile line costs no more than its length', () => {
  for (const line of [
    'eyJ'.repeat(21_000),
    'rsa_'.repeat(16_000),
    'tok_'.repeat(16_000),
    'secret-token:'.repeat(5_000),
  ])
    assert.ok(finder.candidatesIn(line).length <= CANDIDATES_MAX)
})

async function linesIn(chunks: readonly Uint8Array[]): Promise<Line[]> {
  async function* body(): AsyncGenerator<Uint8Array> {
    yield* chunks
  }
  const lines: Line[] = []
  for await (const line of linesOf(body())) lines.push(line)
  return lines
}

test('a body is the same lines however it is cut into chunks', async () => {
  const body = fc
    .array(fc.constantFrom('a', 'é', '\n', '\r\n', 'xyz'), { maxLength: 40 })
    .map((parts) => parts.join(''))
  const property = fc.asyncProperty(body, fc.array(fc.nat(40), { maxLength: 6 }), async (whole, cuts) => {
    const bytes = Buffer.from(whole)
    const at = [
      0,
      ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((left, right) => left - right),
      bytes.length,
    ]
    const chunks = at.slice(1).map((end, nth) => bytes.subarray(at[nth], end))
    const expected = whole.split('\n').map((line): Line => ({ kind: 'line', text: line.replace(/\r$/, '') }))
    if (whole === '' || whole.endsWith('\n')) expected.pop()
    assert.deepEqual(await linesIn(chunks), expected)
  })
  await fc.assert(property, { numRuns: 300 })
})

test('a line of the longest that is looked at is kept, one byte more is not, in one chunk or in many', async () => {
  for (const size of [LINE_MAX_BYTES, LINE_MAX_BYTES + 1]) {
    const bytes = Buffer.from(`${'a'.repeat(size)}\nb`)
    const kinds = size > LINE_MAX_BYTES ? ['too-long', 'line'] : ['line', 'line']
    const many = Array.from({ length: Math.ceil(bytes.length / 1_000) }, (_, nth) =>
      bytes.subarray(nth * 1_000, (nth + 1) * 1_000),
    )
    for (const chunks of [[bytes], many])
      assert.deepEqual(
        (await linesIn(chunks)).map(({ kind }) => kind),
        kinds,
      )
  }
})
