import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseProxies, peerOf } from '../machine/net/peer.ts'
import { dialledBase } from './dialled.ts'

const proxies = parseProxies('10.0.0.0/8')
const HOST = 'inner.example'

type Headers = Readonly<Record<string, string>>

function base(
  headers: Headers,
  { from = '10.0.0.1', publicUrl }: { from?: string; publicUrl?: string } = {},
): string {
  const all = { host: HOST, ...headers }
  const links = { publicUrl, fallbackBase: () => 'http://127.0.0.1:8080', proxies }
  return dialledBase({ headers: all, peer: peerOf(from, all, proxies), scheme: 'http' }, links)
}

// The kind: which address links are built on. The public URL comes first, then trusted proxies, then Host.

test('[W23] the public URL rules, whatever a request or a proxy says', () => {
  const told = {
    'x-forwarded-host': 'evil.example',
    'x-forwarded-prefix': '/evil',
    forwarded: 'host=evil.example',
  }
  for (const from of ['10.0.0.1', '198.51.100.7'])
    for (const publicUrl of ['https://id.example.org', 'https://id.example.org/identity'])
      assert.equal(base(told, { from, publicUrl }), publicUrl)
})

test('[W23] an untrusted peer has no say about host, scheme and prefix', () => {
  const told = {
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
    'x-forwarded-prefix': '/evil',
    forwarded: 'for=10.0.0.1;host=evil.example;proto=https',
  }
  assert.equal(base(told, { from: '198.51.100.7' }), `http://${HOST}`)
})

const CASES: readonly [string, Headers, string][] = [
  ['nothing', {}, `http://${HOST}`],
  ['a prefix', { 'x-forwarded-prefix': '/identity' }, `http://${HOST}/identity`],
  ['a prefix with a slash behind it', { 'x-forwarded-prefix': '/identity/' }, `http://${HOST}/identity`],
  ['prefixes of two hops, the outer first', { 'x-forwarded-prefix': '/a/b, /c' }, `http://${HOST}/a/b/c`],
  ['the root as a prefix', { 'x-forwarded-prefix': '/' }, `http://${HOST}`],
  ['a scheme in capitals', { 'x-forwarded-proto': 'HTTPS' }, `https://${HOST}`],
  ['a scheme that is none of ours', { 'x-forwarded-proto': 'ftp' }, `http://${HOST}`],
  [
    'all of it',
    { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'id.example:444', 'x-forwarded-prefix': '/i' },
    'https://id.example:444/i',
  ],
  [
    'Forwarded',
    { forwarded: 'for=192.0.2.1;proto=HTTPS;host="id.example:444";by=_x' },
    'https://id.example:444',
  ],
  [
    'Forwarded in capitals, and a prefix',
    { forwarded: 'For=192.0.2.1; Proto=https; HOST=id.example', 'x-forwarded-prefix': '/i' },
    'https://id.example/i',
  ],
  [
    'Forwarded of two hops: the outer of the trusted ones',
    { forwarded: 'for=192.0.2.1;host=id.example;proto=https, for=10.0.0.9;host=mid.example;proto=http' },
    'https://id.example',
  ],
  [
    'Forwarded that the client began',
    { forwarded: 'for=10.0.0.9;host=evil.example, for=192.0.2.1;host=id.example;proto=https' },
    'https://id.example',
  ],
  [
    'Forwarded of a hop with a port',
    { forwarded: 'host=id.example;for=192.0.2.1, for="10.0.0.9:80";host=mid.example' },
    'http://id.example',
  ],
  [
    'Forwarded of a hidden hop',
    { forwarded: 'for=192.0.2.1;host=evil.example, for=_hidden;host=id.example' },
    'http://id.example',
  ],
  [
    'Forwarded that the client left open',
    { forwarded: 'for="evil, for=192.0.2.1;host=id.example' },
    'http://id.example',
  ],
  [
    'X-Forwarded before Forwarded',
    { 'x-forwarded-host': 'a.example', forwarded: 'for=192.0.2.1;host=b.example;proto=https' },
    'https://a.example',
  ],
]
for (const [name, headers, expected] of CASES)
  test(`[W23] behind a trusted proxy links follow ${name}`, () => assert.equal(base(headers), expected))

test('[W23] a prefix that is no plain path is ignored', () => {
  for (const prefix of [
    'identity',
    '//evil.example',
    '/a//b',
    '/../v3',
    '/.',
    '/a/..',
    '/a b',
    '/a"b',
    '/a<b',
    '/a>',
    '/a?b',
    '/a#b',
    '/a%2e',
    '/a\\b',
    '/é',
    'https://evil.example',
    `/${'a'.repeat(65)}`,
    '/a'.repeat(9),
  ])
    assert.equal(base({ 'x-forwarded-prefix': prefix }), `http://${HOST}`, prefix)
})

test('[W23] without a valid host the listen address is used, and an unreadable element is ignored', () => {
  for (const host of ['evil.example/path', 'a b', 'user@evil.example', ''])
    assert.equal(base({ 'x-forwarded-host': host }), 'http://127.0.0.1:8080', host)
  for (const forwarded of [
    'host',
    'host=',
    'host=a.example;host=b.example',
    'ho st=a',
    ',',
    ';',
    `for=192.0.2.1;host=a.example${' '.repeat(2_048)}`,
  ])
    assert.equal(base({ forwarded }), `http://${HOST}`, forwarded.slice(0, 40))
})
