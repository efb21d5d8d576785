import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateSync, gzipSync } from 'node:zlib'
import { mintText, TokenGrammar } from '@rescind/authority'
import fc from 'fast-check'
import { SeededRandom } from '../../test/kit/seeded-random.ts'
import { CANDIDATES_MAX, Finder, GUESSES_MAX } from './find.ts'
import { LINE_MAX_BYTES, type Line, linesOf, withWraps } from './lines.ts'

const random = new SeededRandom('find')
const finder = new Finder(new TokenGrammar({ own: { access: 'acme_at_' }, former: ['old_'] }))
/** The texts with the form of a credential, and whether some guess is exactly this text. */
const text = (line: string): unknown[] =>
  finder
    .findIn(line)
    .candidates.filter(({ isGuess }) => isGuess !== true)
    .map((one) => (one.kind === 'text' ? one.text : one.kind))
const guesses = (line: string, wanted: string): boolean =>
  finder.findIn(line).candidates.some((one) => one.kind === 'text' && one.text === wanted)

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
    assert.deepEqual(text(broken), [])
    assert.ok(guesses(broken, broken), 'it may be what somebody else chose')
  }
})

test('text is found through packing, parted hexadecimal digits, names of HTML, and other widths', () => {
  const token = mintText('rsa_', random).reveal()
  const hex = [...Buffer.from(token)].map((byte) => byte.toString(16).padStart(2, '0'))
  const wide = [...token].map((char) => String.fromCharCode(char.charCodeAt(0) + 0xfee0)).join('')
  const bold = [...token].map((char) => {
    const code = char.charCodeAt(0)
    if (code >= 97) return String.fromCodePoint(code === 95 ? 95 : 0x1d41a + code - 97)
    return code >= 65 && code <= 90 ? String.fromCodePoint(0x1d400 + code - 65) : char
  })
  const event = JSON.stringify({ time: 1, request: { authorization: `Bearer ${token}` } })
  for (const [how, line] of Object.entries({
    gzip: gzipSync(event).toString('base64'),
    'gzip in base64url': `data=${gzipSync(event).toString('base64url')}`,
    zlib: `"${deflateSync(event).toString('base64')}"`,
    'gzip in hex': gzipSync(event).toString('hex'),
    'gzip twice': gzipSync(gzipSync(event).toString('base64')).toString('base64'),
    'colons between': hex.join(':'),
    'spaces between': `00000000  ${hex.join(' ')}`,
    'an array of bytes': `[${hex.map((byte) => `0x${byte}`).join(', ')}]`,
    'dashes and capitals': hex.join('-').toUpperCase(),
    'a named underscore': token.replace('_', '&lowbar;'),
    'another name for it': `token&equals;${token.replace('_', '&UnderBar;')}&semi;`,
    'names in names': token.replace('_', '&amp;lowbar;'),
    'full width': wide,
    'bold letters': bold.join(''),
  }))
    assert.ok(text(line).includes(token), how)
})

test('a decompression bomb is cut off, and a line of many bombs is done soon', () => {
  const bomb = gzipSync(Buffer.alloc(8_000_000, 'a')).toString('base64')
  const start = process.cpuUsage().user
  for (const line of [bomb, `${gzipSync(Buffer.alloc(60_000, 'a')).toString('base64')} `.repeat(500)])
    assert.deepEqual(text(line.slice(0, 65_536)), [])
  assert.ok((process.cpuUsage().user - start) / 1_000 < 2_000)
})

test('candidates of one line are found up to the bound, and not one more', () => {
  const tokens = Array.from({ length: CANDIDATES_MAX + 1 }, () => mintText('rsa_', random).reveal())
  assert.deepEqual(text(tokens.slice(1).join(' ')), tokens.slice(1))
  assert.deepEqual(text(tokens.join(' ')), tokens.slice(0, -1))
  assert.deepEqual(
    [tokens.slice(1), tokens].map((some) => finder.findIn(some.join(' ')).isMore),
    [false, true],
  )
})

test('work on a hostile line is bounded by its length, and the line is not reported as clean [W3]', () => {
  for (const part of [
    'eyJ',
    'rsa_',
    'tok_',
    'secret-token:',
    '\\\\',
    '%25',
    '"\\"',
    'YWFh',
    '{"a":',
    '[',
    'a.',
    'eyJhbGciOiJFUzI1NiJ9.',
    'a/',
    'abcdefg1 ',
    'bearer:=',
    '\ufffd',
    '=41',
    '&#65;',
    '&#x4',
    '41',
    '\u001b[3',
    '//a:b@',
    '=:/',
  ]) {
    const line = part.repeat(Math.floor(LINE_MAX_BYTES / part.length))
    const began = process.cpuUsage().user
    const { candidates } = finder.findIn(line, Array.from(line.slice(0, 4_096)))
    const micros = process.cpuUsage().user - began
    assert.ok(candidates.length <= CANDIDATES_MAX + GUESSES_MAX, part)
    // Quadratic work would take minutes.
    assert.ok(micros < 3_000_000, `${part}: ${micros} µs`)
  }
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
  const property = fc.asyncProperty(body, fc.array(fc.nat(40), { maxLength: 6 }), async (whole, cutoffs) => {
    const bytes = Buffer.from(whole)
    const at = [
      0,
      ...cutoffs.map((cutoff) => Math.min(cutoff, bytes.length)).sort((left, right) => left - right),
      bytes.length,
    ]
    const chunks = at.slice(1).map((end, nth) => bytes.subarray(at[nth], end))
    const expected = whole.split('\n').map((line): Line => ({ kind: 'line', text: line.replace(/\r$/, '') }))
    if (whole === '' || whole.endsWith('\n')) expected.pop()
    assert.deepEqual(await linesIn(chunks), expected)
  })
  await fc.assert(property, { numRuns: 300 })
})

test('a line at the maximum length is kept, one byte more is not, in one chunk or in many', async () => {
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

const A = mintText('rsa_', random).reveal()
const B = mintText('rsr_', random).reveal()
const json = JSON.stringify
const base64 = (value: string): string => Buffer.from(value, 'utf8').toString('base64')
const percent = (value: string): string =>
  [...Buffer.from(value)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
const unicode = (value: string): string =>
  [...value].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')

// The kind: a credential beside or inside other text of a line.
const LINES: Readonly<Record<string, readonly [line: string, holds: readonly string[]]>> = {
  'a masked member beside it': [json({ token: '***', msg: `Authorization: Bearer ${A}` }), [A]],
  'a scheme before it': [json({ token: `Bearer ${A}` }), [A]],
  'two members': [json({ token: A, refresh_token: B }), [A, B]],
  'a token of somebody else beside it': [
    json({ level: 'info', token: 'csrf-123', url: `https://x/?access_token=${A}&b=1` }),
    [A],
  ],
  'a handle that is none': [json({ handle: 'me', text: A }), [A]],
  'a pair that is none': [json({ issuer: 'x', jti: 'y', text: A }), [A]],
  'a JSON string': [json(`see ${A} in log`), [A]],
  'nested JSON': [json({ a: [{ b: { c: A } }], d: [B] }), [A, B]],
  'JSON in JSON': [json({ log: json({ token: A }) }), [A]],
  'JSON in JSON in JSON': [json({ log: json({ log: json({ token: `${A} ${B}` }) }) }), [A, B]],
  'JSON with a member twice': [`{"token":"${A}","token":"${B}"}`, [A, B]],
  'JSON that breaks off': [`{"token":"${A}","refresh_token":"${B}`, [A, B]],
  'escapes of JSON': [`{"token":"${unicode(A)}"}`, [A]],
  'escapes of JSON in JSON': [json({ log: `{"token":"${unicode(A)}"}` }), [A]],
  'a query': [`GET /x?access_token=${A}&refresh_token=${B} HTTP/1.1`, [A, B]],
  'a fragment': [`https://app.example/cb#access_token=${A}&token_type=bearer`, [A]],
  'a form': [`grant_type=refresh_token&refresh_token=${B}&client_id=svc`, [B]],
  'percent-encoding': [`url=https%3A%2F%2Fx%2F%3Ftoken%3D${percent(A)}`, [A]],
  'percent-encoding twice': [`next=${encodeURIComponent(percent(A))}`, [A]],
  'percent signs that are none': [`100% sure: ${percent(A)} %zz %`, [A]],
  'a form in JSON': [json({ body: `token=${percent(A)}` }), [A]],
  'headers of every dialect': [
    `Authorization: Bearer ${A}, IM-Authorization: ${B}, X-Auth-Token:${A}, X-Subject-Token: ${B}`,
    [A, B],
  ],
  'Basic with a token as its secret': [`Authorization: Basic ${base64(`svc:${A}`)}`, [A]],
  'single quotes and backquotes': [`'${A}' \`${B}\``, [A, B]],
  logfmt: [`level=info token="${A}" refresh=${B}`, [A, B]],
  CSV: [`1,ann,"${A}",${B};x`, [A, B]],
  'a tab and a semicolon': [`x\t${A};${B}`, [A, B]],
  'a cookie': [`Cookie: session=${A}; other=${B}`, [A, B]],
  base64: [base64(A), [A]],
  'base64 without padding, in base64url, in a path': [
    `/x/${Buffer.from(`${A} ${B}`).toString('base64url')}/y`,
    [A, B],
  ],
  'base64 of base64': [json({ data: { token: base64(base64(`{"t":"${A}"}`)) } }), [A]],
  'base64 of UTF-16': [Buffer.from(`x ${A}`, 'utf16le').toString('base64'), [A]],
  'UTF-16 without a mark': [Buffer.from(`x ${A}`, 'utf16le').toString('utf8'), [A]],
  'colours of a terminal': [`\u001b[31m${A}\u001b[0m`, [A]],
  'characters without width': [`${A.slice(0, 9)}\u200b${A.slice(9, 20)}\u00ad${A.slice(20)}`, [A]],
  'characters of other kinds without width': [
    `${A.slice(0, 9)}\u200e${A.slice(9, 20)}\u2063\ufe0f${A.slice(20)}`,
    [A],
  ],
  'a colour in the midst of it': [`${A.slice(0, 9)}\u001b[1;31m${A.slice(9)}`, [A]],
  'base64 of coloured text': [base64(`\u001b[31m${A}\u001b[0m`), [A]],
  hexadecimal: [
    `\\x${Buffer.from(A).toString('hex')}, 0x${Buffer.from(B).toString('hex').toUpperCase()}`,
    [A, B],
  ],
  'quoted-printable': [`token=3D${A.replace('_', '=5F')}`, [A]],
  'a word of a mail header': [`Subject: =?utf-8?Q?${A.replace('_', '=5F')}?=`, [A]],
  'references of HTML': [`${A.replace('_', '&#95;')} ${B.replace('_', '&#x5f;')}`, [A, B]],
  XML: [`<token id="${A}"/><t>${B}</t>`, [A, B]],
  'a stack of everything': [json({ h: `x=${percent(json({ b: base64(`Bearer ${A}`) }))}` }), [A]],
}
for (const [name, [line, holds]] of Object.entries(LINES))
  test(`every credential in a line is found: ${name} [W3]`, () => {
    assert.deepEqual(text(line).sort(), [...holds].sort(), line)
  })

test('text that a user chose is guessed wherever it is a value [W3]', () => {
  const chosen = 'own-text/of+others=='
  for (const line of [
    chosen,
    json({ token: chosen, a: 1 }),
    json({ a: [{ deep: json({ token: chosen }) }] }),
    `IM-Authorization: ${chosen}`,
    `token=${chosen} x`,
    `x,${chosen},y`,
    `Authorization: Basic ${base64(`svc:${chosen}`)}`,
    `apiKey:${chosen}`,
    `a=b&token=${encodeURIComponent(chosen)}&c=d`,
  ])
    assert.ok(guesses(line, chosen), line)
  const secret = 'secret-out-of-a-seed'
  for (const line of [
    `postgres://svc:${secret}@db.example/x`,
    `https://svc:${percent(secret)}@git.example/x.git`,
    `GET /t/${secret}/x HTTP/1.1`,
    `svc/${secret}`,
    `10:11:12:${secret}`,
    `x=y=${secret}`,
    `x==${secret}`,
    `**${secret}**`,
    `a|${secret}|b`,
    `“${secret}”`,
    `\u001b[31m${secret}\u001b[0m`,
    `client_secret=3D${secret}`,
    Buffer.from(secret).toString('hex'),
  ])
    assert.ok(guesses(line, secret), line)
  assert.ok(guesses('https://svc:pw%3Aa=s*s@host/x', 'pw:a=s*s'), 'what stands between a name and a host')
  assert.ok(guesses(json({ token: 'a b "c" d' }), 'a b "c" d'), 'white space and quotes in a value of JSON')
  assert.ok(guesses(json({ token: 'kurz' }), 'kurz') && guesses('token: kurz', 'kurz'), 'short, but named')
  assert.ok(!guesses('level=info', 'info') && !guesses(json({ level: 'info' }), 'info'), 'short, and not')
})

test('a JWS is known by its structure: white space in its header, other first members, padding [W5]', () => {
  const part = (value: string): string => Buffer.from(value).toString('base64url')
  const payload = part('{"iss":"https://idp.example"}')
  for (const header of [
    '{\n  "alg": "RS256"\n}',
    ' {"alg":"ES256"}',
    '{"alg":"ES256"}',
    '\n\t{ "typ":"JWT","alg":"x"}',
  ]) {
    const jws = `${part(header)}.${payload}.${'c2ln'.repeat(20)}`
    for (const line of [jws, `see ${jws}.`, json({ token: `Bearer ${jws}` }), `x.y.${jws}.z`, `${jws}==`])
      assert.ok(text(line).includes(jws), line)
  }
  assert.deepEqual(text('www.example.com eyx.eyx.eyx'), [])
  // Spare bits: the only spelling that can be a token is looked for.
  const jws = `${part('{"alg":"ES256"}')}.${payload}.${Buffer.alloc(64, 7).toString('base64url')}`
  assert.deepEqual(text(`${jws.slice(0, -1)}${jws.endsWith('w') ? 'x' : 'z'}`), [jws])
})

async function wrapsIn(lines: readonly string[]): Promise<unknown[]> {
  async function* said(): AsyncGenerator<Line> {
    for (const line of lines) yield { kind: 'line', text: line }
  }
  const own = new Finder(new TokenGrammar())
  const found: unknown[] = []
  for await (const line of withWraps(said())) {
    if (line.kind !== 'line') continue
    for (const one of own.findIn(line.text, line.wrapped).candidates)
      if (one.kind === 'text' && (one.isGuess !== true || one.text.includes('.'))) found.push(one.text)
  }
  return found
}

test('a token that is wrapped over lines is found, however it was broken [W4]', async () => {
  const [head, mid, end] = [A.slice(0, 10), A.slice(10, 24), A.slice(24)]
  for (const lines of [
    [head + mid, end],
    [head, mid, end],
    [`token: ${head}${mid}`, `${end} and more`],
    [`> ${head}`, `> ${mid}`, `> ${end}`],
    [`"${head}=`, `${mid}=`, `${end}"`],
    [`curl -H x:${head}\\`, `  ${mid}${end}`],
    [B, head, mid + end, B],
    ...[8, 20, 76].map(
      (width) => base64(`to whom it may concern ${A} ${B}`).match(new RegExp(`.{1,${width}}`, 'g')) ?? [],
    ),
  ])
    assert.ok((await wrapsIn(lines)).includes(A), json(lines))
  assert.deepEqual(await wrapsIn([A, B, A]), [A, B, A], 'tokens of a list are told of once for each line')
  const part = (value: string): string => Buffer.from(value).toString('base64url')
  const jwsOf = (nth: number): string =>
    [
      part('{"alg":"ES256","kid":"one"}'),
      part(json({ jti: nth, sub: 'x'.repeat(200) })),
      Buffer.alloc(64, nth).toString('base64url'),
    ].join('.')
  const broken = (jws: string, width: number): string[] => jws.match(new RegExp(`.{1,${width}}`, 'g')) ?? []
  const [one, two, three] = [jwsOf(1), jwsOf(2), jwsOf(3)]
  for (const width of [60, 64, 76, 300])
    for (const lines of [
      broken(two, width),
      [`token ${broken(two, width)[0]}`, ...broken(two, width).slice(1)],
      [one, ...broken(two, width), three],
      [...broken(one, width), ...broken(two, width), ...broken(three, width), 'and so on'],
    ])
      assert.ok((await wrapsIn(lines)).includes(two), json([width, lines]))
})

test('a payload and the words after a token are not taken for a second token, wrapped or not [W3]', () => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const jws = `${part({ alg: 'HS256' })}.${part({ jti: 'tok_x', sub: 'ann' })}.c2lnbmF0dXJlLWJ5dGVz`
  const formed = (line: string, wrapped?: readonly string[]): readonly string[] =>
    new Finder(new TokenGrammar())
      .findIn(line, wrapped)
      .candidates.flatMap((one) => (one.kind === 'text' && one.isGuess !== true ? [one.text] : []))
  assert.deepEqual(formed(`Bearer ${jws}.`), [jws])
  assert.deepEqual(formed(`${jws}.see.more`), [jws])
  assert.deepEqual(formed('see more', [`${jws}.`, 'see']), [])
})
