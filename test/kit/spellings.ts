/** Another text that some parsers accept as the same signed token. */
export type Spelling = {
  readonly how: string
  readonly text: string
  /** `text`: non-canonical base64url, or another form. `signature`: another signature of the same input. */
  readonly of: 'text' | 'signature'
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Orders of curves with malleable signatures: (r, n − s) verifies wherever (r, s) does. */
const ORDERS: Readonly<Record<string, bigint>> = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES256K: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ES512: BigInt(`0x01${'f'.repeat(64)}fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409`),
}

/**
 * Every other spelling of a compact JWS that lenient parsers are known to accept. A revoked token must be dead in each.
 * Add new spellings here; every door is then tested with them.
 */
export function spellingsOf(jws: string): readonly Spelling[] {
  const [header = '', payload = '', signature = ''] = jws.split('.')
  const input = `${header}.${payload}`
  const texts: (readonly [how: string, text: string])[] = [
    ...strayBits(signature).map((one, nth) => [`stray bits ${nth}`, `${input}.${one}`] as const),
    ...strayBits(header).map(
      (one) => ['stray bits of the header', `${one}.${payload}.${signature}`] as const,
    ),
    ...strayBits(payload).map(
      (one) => ['stray bits of the payload', `${header}.${one}.${signature}`] as const,
    ),
    ['one =', `${jws}=`],
    ['two =', `${jws}==`],
    ['padding in front of the dot', `${header}=.${payload}.${signature}`],
    ['text behind the padding', `${jws}==x`],
    ['a space behind', `${jws} `],
    ['a space in front', ` ${jws}`],
    ['a line break behind', `${jws}\n`],
    ['a line break within', `${input}.${signature.slice(0, 20)}\r\n${signature.slice(20)}`],
    ['a tab behind the dot', `${input}.\t${signature}`],
    ['a foreign character', `${jws}!`],
    ['a foreign character within', `${input}.${signature.slice(0, 9)}*${signature.slice(9)}`],
    ['a character beyond ASCII', `${input}.${signature.slice(0, 9)}\u00e9${signature.slice(9)}`],
    ['a character of zero width', `${jws}\u200b`],
    ['a fourth part', `${jws}.x`],
    ['an empty fourth part', `${jws}.`],
    ['an empty part in front of the signature', `${input}..${signature}`],
    ['JSON, flattened', JSON.stringify({ protected: header, payload, signature })],
    ...inJson(JSON.stringify({ protected: header, payload, signature })),
    ...wrapped(jws),
    ['a character whose low byte is the first', wide(jws)],
    ['JSON, general', JSON.stringify({ payload, signatures: [{ protected: header, signature }] }, null, 1)],
  ]
  const plain = signature.replaceAll('-', '+').replaceAll('_', '/')
  if (plain !== signature) texts.push(['the alphabet of base64', `${input}.${plain}`])
  const bytes = Buffer.from(signature, 'base64url')
  const signatures: (readonly [how: string, bytes: Uint8Array])[] = [
    ...twinsOf(header, bytes).map((twin) => ['s turned into n - s', twin] as const),
    ['a zero byte in front', Buffer.concat([Buffer.alloc(1), bytes])],
    ['a zero byte behind', Buffer.concat([bytes, Buffer.alloc(1)])],
    ['some other signature', Buffer.alloc(bytes.length, 7)],
  ]
  return [
    ...texts.map(([how, text]) => ({ how, text, of: 'text' }) as const),
    ...signatures.map(
      ([how, one]) =>
        ({ how, text: `${input}.${Buffer.from(one).toString('base64url')}`, of: 'signature' }) as const,
    ),
  ]
}

/** Members beside or around the three are not signed, and parsers differ in what they accept. */
function inJson(flat: string): readonly (readonly [how: string, text: string])[] {
  const beside = (member: string): string => `{${member},${flat.slice(1)}`
  const deep = '['.repeat(40) + ']'.repeat(40)
  return [
    ['JSON with a member twice', beside('"x":1,"x":2')],
    ['JSON with a deep member', beside(`"header":{"x":${deep}}`)],
    ['JSON with a NUL', beside('"x":"\\u0000"')],
    ['JSON with half a character', beside('"x":"\\ud800"')],
    ['JSON with an endless number', beside('"x":1e999')],
    ['JSON with a prototype', beside('"__proto__":{}')],
    ['JSON with a name in escapes', flat.replace('signature', '\\u0073ignature')],
    ['JSON behind a byte order mark', `\ufeff${flat}`],
    ['JSON behind a line break', `\n${flat}`],
    ['JSON in front of something', `${flat}x`],
  ]
}

/** As in a header, a cookie or a link, for parsers that extract the token. */
function wrapped(jws: string): readonly (readonly [how: string, text: string])[] {
  return [
    // Not `Bearer `, because in a header that is not part of the token.
    ['a scheme in front', `JWT ${jws}`],
    ['a scheme and a plus', `Bearer+${jws}`],
    ['a cookie name in front', `token=${jws}`],
    ['quotes around', `"${jws}"`],
    ['percents for dots', jws.replaceAll('.', '%2E')],
    ['percents for the first dot', jws.replace('.', '%2e')],
    ['percents for a letter', `%65${jws.slice(1)}`],
    ['percents for a scheme', `Bearer%20${jws}`],
  ]
}

function wide(jws: string): string {
  return String.fromCharCode(0x100 + jws.charCodeAt(0)) + jws.slice(1)
}

/** Changes the bits of the last character that belong to no byte; the bytes stay the same. */
function strayBits(part: string): readonly string[] {
  const free = [1, 1, 16, 4][part.length % 4] ?? 1
  const last = ALPHABET.indexOf(part.at(-1) ?? '')
  return Array.from({ length: free - 1 }, (_, nth) => part.slice(0, -1) + ALPHABET.charAt(last + nth + 1))
}

function twinsOf(header: string, signature: Buffer): readonly Buffer[] {
  const { alg = '' } = JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as { alg?: string }
  const order = ORDERS[alg]
  if (order === undefined) return []
  const half = signature.length / 2
  const s = BigInt(`0x${signature.subarray(half).toString('hex')}`)
  const flipped = Buffer.from((order - s).toString(16).padStart(half * 2, '0'), 'hex')
  return [Buffer.concat([signature.subarray(0, half), flipped])]
}
