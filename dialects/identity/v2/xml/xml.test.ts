import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseXmlObject, XML_DEPTH_MAX, XML_NODES_MAX } from './read.ts'
import { xmlOf } from './write.ts'

const ID = 'http://docs.openstack.org/identity/api/v2.0'
const KSKEY = 'http://docs.rackspace.com/identity/api/ext/RAX-KSKEY/v1.0'
const RAX = 'http://docs.rackspace.com/identity/api/ext/RAX-AUTH/v1.0'
const KSADM = 'http://docs.openstack.org/identity/api/ext/OS-KSADM/v1.0'

const read = (text: string): unknown => {
  const object = parseXmlObject(Buffer.from(text))
  return object === undefined ? undefined : (JSON.parse(JSON.stringify(object)) as unknown)
}

test('an XML body is parsed into the equivalent JSON, with any prefixes', () => {
  const credentials = { username: 'ann', apiKey: 'k' }
  const expected = { auth: { tenantId: 't', 'RAX-KSKEY:apiKeyCredentials': credentials } }
  for (const text of [
    `<auth xmlns="${ID}" tenantId="t"><apiKeyCredentials xmlns="${KSKEY}" username="ann" apiKey="k"/></auth>`,
    `<x:auth xmlns:x="${ID}" xmlns:y="${KSKEY}" tenantId="t"><y:apiKeyCredentials username="ann" apiKey="k"/></x:auth>`,
    [
      '<?xml version="1.0" encoding="UTF-8"?>\n<auth tenantId="t">\n ',
      `<a:apiKeyCredentials xmlns:a="${KSKEY}" username="ann"><a:apiKey>k</a:apiKey></a:apiKeyCredentials>`,
      '\n</auth>\n',
    ].join(''),
  ])
    assert.deepEqual(read(text), expected)
})

test('names of an extension have no prefix inside its elements, and a prefix outside', () => {
  assert.deepEqual(
    read(
      `<impersonation xmlns="${RAX}"><user username="u"/><expire-in-seconds>60</expire-in-seconds></impersonation>`,
    ),
    { 'RAX-AUTH:impersonation': { user: { username: 'u' }, 'expire-in-seconds': '60' } },
  )
  assert.deepEqual(read(`<user xmlns="${ID}" xmlns:k="${KSADM}" username="u" k:password="p&amp;&#65;"/>`), {
    user: { username: 'u', 'OS-KSADM:password': 'p&A' },
  })
})

const REFUSED: readonly [string, string][] = [
  ['a DTD', '<!DOCTYPE auth [<!ENTITY x "y">]><auth a="1"/>'],
  ['an external DTD', '<!DOCTYPE auth SYSTEM "file:///etc/passwd"><auth a="1"/>'],
  ['an unknown entity', '<auth a="&x;"/>'],
  ['a processing instruction', '<?php x?><auth a="1"/>'],
  ['another encoding', '<?xml version="1.0" encoding="ISO-8859-1"?><auth a="1"/>'],
  ['another namespace', '<auth xmlns="urn:x" a="1"/>'],
  ['an undeclared prefix', '<x:auth a="1"/>'],
  ['an attribute twice', '<auth a="1" a="2"/>'],
  ['an element twice', '<auth><token id="1"/><token id="2"/></auth>'],
  ['an attribute and an element of one name', '<auth token="1"><token id="2"/></auth>'],
  ['text beside elements', '<auth>x<token id="1"/></auth>'],
  ['two roots', '<auth a="1"/><auth a="1"/>'],
  ['an open end', '<auth a="1">'],
  ['nothing', ''],
  ['text alone', 'auth'],
  ['JSON', '{"auth":{}}'],
  ['NUL', '<auth a="\0"/>'],
  ['__proto__', '<auth><__proto__ a="1"/></auth>'],
]
for (const [name, text] of REFUSED)
  test(`[N13] XML is refused: ${name}`, () => assert.equal(read(text), undefined))

test('bytes that are not UTF-8 are refused', () => {
  assert.equal(parseXmlObject(Buffer.from('<auth a="\xff"/>', 'latin1')), undefined)
})

const KEPT: readonly [string, string][] = [
  ['spaces', ' spaced pass '],
  ['a tab and a line end', '\tpass\n'],
  ['no-break spaces', '\u00a0pass\u00a0'],
  ['byte order marks', '\ufeffpass\ufeff'],
  ['an ideographic space', '\u3000pass'],
  ['nothing but a space', ' '],
]
// Character data of an element without children, in any notation, is content to the last space.
for (const [name, text] of KEPT)
  test(`[W20] character data is kept as it is: ${name}`, () => {
    const expected = { user: { username: 'u', 'OS-KSADM:password': text } }
    const references = Array.from(text, (char) => `&#${char.codePointAt(0)};`).join('')
    for (const written of [text, `<![CDATA[${text}]]>`, references])
      assert.deepEqual(
        read(
          `<user xmlns="${ID}" xmlns:k="${KSADM}" username="u">\n  <k:password>${written}</k:password>\n</user>`,
        ),
        expected,
        written,
      )
    assert.deepEqual(
      read(`<user xmlns="${ID}" xmlns:k="${KSADM}" username="u" k:password="${references}"/>`),
      expected,
    )
  })

test('[W20] white space between child elements is dropped, and other text is refused', () => {
  const around = (space: string) => read(`<auth>${space}<token id="1"/>${space}</auth>`)
  for (const space of ['', ' ', '\n\t ', '\r\n', '<!-- c -->', ' <!-- c --> '])
    assert.deepEqual(around(space), { auth: { token: { id: '1' } } }, JSON.stringify(space))
  for (const text of ['x', '\u00a0', '\ufeff', '\u2003', '<![CDATA[x]]>', '&#160;'])
    assert.equal(around(text), undefined, JSON.stringify(text))
})

test('[W20] a text longer than one chunk of the parser is kept whole', () => {
  const text = `${' '.repeat(1_023)}\ufeff${'😀'.repeat(600)} `
  assert.deepEqual(read(`<auth><p>${text}</p></auth>`), { auth: { p: text } })
})

type Encoded = { readonly bytes: Uint8Array; readonly charset?: string }
const DECLARED = (encoding: string) => `<?xml version="1.0" encoding="${encoding}"?><auth p="ü"/>`
const PLAIN = '<auth p="ü"/>'
const ASCII = '<auth p="&#252;"/>'
const le = (text: string): Buffer => Buffer.from(text, 'utf16le')
const be = (text: string): Buffer => le(text).swap16()
const MARK = '\ufeff'

const READ: readonly [string, Encoded][] = [
  ['UTF-8', { bytes: Buffer.from(PLAIN) }],
  ['UTF-8 with a mark', { bytes: Buffer.from(MARK + DECLARED('utf-8')) }],
  ['UTF-8 that says so everywhere', { bytes: Buffer.from(MARK + DECLARED('UTF-8')), charset: 'utf-8' }],
  ['UTF-16, little end first', { bytes: le(MARK + PLAIN) }],
  ['UTF-16, big end first', { bytes: be(MARK + PLAIN) }],
  ['UTF-16 that declares itself', { bytes: le(MARK + DECLARED('UTF-16')) }],
  ['UTF-16 that says so everywhere', { bytes: be(MARK + DECLARED('utf-16')), charset: 'utf-16' }],
  ['UTF-16 in the order that its type names', { bytes: le(PLAIN), charset: 'utf-16le' }],
  ['UTF-16 in the other order', { bytes: be(DECLARED('UTF-16')), charset: 'utf-16be' }],
  ['declared US-ASCII', { bytes: Buffer.from(`<?xml version="1.0" encoding="US-ASCII"?>${ASCII}`) }],
  ['US-ASCII by its type', { bytes: Buffer.from(ASCII), charset: 'us-ascii' }],
  [
    'US-ASCII that declares UTF-8',
    { bytes: Buffer.from(`<?xml version="1.0" encoding="utf-8"?>${ASCII}`), charset: 'us-ascii' },
  ],
]
for (const [name, { bytes, charset }] of READ)
  test(`XML is read in any encoding of XML 1.0 §4.3.3: ${name}`, () => {
    assert.deepEqual(JSON.parse(JSON.stringify(parseXmlObject(bytes, charset))), { auth: { p: 'ü' } })
  })

const UNREAD: readonly [string, Encoded][] = [
  ['UTF-16 without a mark', { bytes: le(PLAIN) }],
  ['UTF-16 without a mark, of a type that promises one', { bytes: be(PLAIN), charset: 'utf-16' }],
  ['UTF-16 that declares UTF-8', { bytes: le(MARK + DECLARED('UTF-8')) }],
  ['UTF-8 that declares UTF-16', { bytes: Buffer.from(DECLARED('UTF-16')) }],
  ['UTF-16 whose type says UTF-8', { bytes: le(MARK + PLAIN), charset: 'utf-8' }],
  ['UTF-16 whose type says the other order', { bytes: le(MARK + PLAIN), charset: 'utf-16be' }],
  ['UTF-8 with a mark whose type says UTF-16', { bytes: Buffer.from(MARK + PLAIN), charset: 'utf-16' }],
  ['half a character', { bytes: le(MARK + PLAIN).subarray(0, -1) }],
  ['half a pair', { bytes: le(`${MARK}<auth p="\ud83d"/>`) }],
  ['two marks', { bytes: Buffer.from(MARK + MARK + PLAIN) }],
  [
    'UTF-32',
    {
      bytes: Buffer.concat([
        Buffer.of(0xff, 0xfe, 0, 0),
        ...Array.from(ASCII, (c) => Buffer.of(c.charCodeAt(0), 0, 0, 0)),
      ]),
    },
  ],
  [
    'US-ASCII with a byte above it',
    { bytes: Buffer.from(`<?xml version="1.0" encoding="us-ascii"?>${PLAIN}`) },
  ],
  ['US-ASCII by its type, with a byte above it', { bytes: Buffer.from(PLAIN), charset: 'us-ascii' }],
  ['Latin-1 by its type', { bytes: Buffer.from(PLAIN, 'latin1'), charset: 'utf-8' }],
  ['EBCDIC', { bytes: Buffer.from('4c6fa7949340', 'hex') }],
  ['an encoding that nobody knows', { bytes: Buffer.from(DECLARED('utf-7')) }],
]
for (const [name, { bytes, charset }] of UNREAD)
  test(`XML is refused in any other encoding: ${name}`, () => {
    assert.equal(parseXmlObject(bytes, charset), undefined)
  })

test('depth and size are accepted up to their bounds, and refused beyond', () => {
  const nested = (depth: number) => `${'<auth>'.repeat(depth)}x${'</auth>'.repeat(depth)}`
  assert.notEqual(read(nested(XML_DEPTH_MAX)), undefined)
  assert.equal(read(nested(XML_DEPTH_MAX + 1)), undefined)
  // The root counts as one node, and so does each attribute.
  const wide = (nodes: number) =>
    `<auth ${Array.from({ length: nodes - 1 }, (_, at) => `a${at}="1"`).join(' ')}/>`
  assert.notEqual(read(wide(XML_NODES_MAX)), undefined)
  assert.equal(read(wide(XML_NODES_MAX + 1)), undefined)
})

test('no bytes make the parser throw', () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => void parseXmlObject(bytes)))
  const charset = fc.constantFrom('utf-8', 'us-ascii', 'utf-16', 'utf-16le', 'utf-16be')
  fc.assert(fc.property(fc.uint8Array(), charset, (bytes, name) => void parseXmlObject(bytes, name)))
  fc.assert(fc.property(fc.string(), (text) => void read(`<auth a="${text}">${text}</auth>`)))
})

test('text written as XML is read back unchanged, except for characters that XML cannot hold', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (name) => {
      const text = xmlOf({ user: { id: '1', name } })
      const back = read(text) as { user: { name: string } }
      assert.equal(back.user.name, name.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '\ufffd'))
    }),
  )
})

test('lists become elements around their items, paging links Atom links, and descriptions elements', () => {
  const tenants = [{ id: '1', name: 'a<b', enabled: true, description: 'x & y' }]
  const tenants_links = [{ rel: 'next', href: 'http://h/v2.0/tenants?marker=1' }]
  assert.equal(
    xmlOf({ tenants, tenants_links }).split('\n')[1],
    [
      `<tenants xmlns="${ID}" xmlns:atom="http://www.w3.org/2005/Atom">`,
      '<tenant id="1" name="a&lt;b" enabled="true"><description>x &amp; y</description></tenant>',
      '<atom:link rel="next" href="http://h/v2.0/tenants?marker=1"/></tenants>',
    ].join(''),
  )
})

test('a catalog becomes services with endpoints directly in them, and an endpoint’s version an element', () => {
  const endpoint = { region: 'R', publicURL: 'http://h', versionId: '2', versionInfo: 'i' }
  const serviceCatalog = [{ name: 'n', type: 't', endpoints: [endpoint], endpoints_links: [] }]
  assert.equal(
    xmlOf({ access: { serviceCatalog } }).split('\n')[1],
    [
      `<access xmlns="${ID}"><serviceCatalog><service name="n" type="t">`,
      '<endpoint region="R" publicURL="http://h"><version id="2" info="i"/></endpoint>',
      '</service></serviceCatalog></access>',
    ].join(''),
  )
})

test('each item of credentials names its own element', () => {
  const credentials = [{ 'RAX-KSKEY:apiKeyCredentials': { username: 'u', apiKey: 'k' } }]
  assert.equal(
    xmlOf({ credentials, credentials_links: [] }).split('\n')[1],
    `<credentials xmlns="${ID}" xmlns:RAX-KSKEY="${KSKEY}"><RAX-KSKEY:apiKeyCredentials username="u" apiKey="k"/></credentials>`,
  )
})
