import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { IDENTITY_HEADERS } from '../../server/records/header-names.ts'

/**
 * The kind: a header that `/check` sends and a gateway neither clears nor sets, or the reverse. Each file under
 * docs/gateways says in its own way which headers it replaces; all of them are held to the one list of the code.
 */

const FOLDER = new URL('../../docs/gateways/', import.meta.url)
const read = (name: string): string => readFileSync(new URL(name, FOLDER), 'utf8')

type Held = {
  /** Every place where the file lists the headers; each group is compared on its own. */
  readonly lists: readonly RegExp[]
  /** What drops `X_Auth_Subject` and the like. */
  readonly odd: string | undefined
  /** What keeps all of a request but its credential from `/check`. */
  readonly only: readonly string[]
}

const SCRIPT = /^local IDENTITY = \{ (.+) \}$/gm
const YAML_LIST = /^ +(?:authResponseHeaders|upstream_headers):\s+\[([^\]]+)\]/gm

const FILES: Readonly<Record<string, Held>> = {
  'nginx.conf': {
    lists: [
      /^ +auth_request_set \$rescind_(\w+) \$upstream_http_x_auth_\1;$/gm,
      /^ +proxy_set_header X-Auth-(\w+) \$rescind_\1;$/gim,
    ],
    odd: 'underscores_in_headers off;',
    only: ['proxy_pass_request_headers off;', 'proxy_pass_request_body off;'],
  },
  'haproxy.cfg': {
    lists: [/^ +http-request set-header X-Auth-(\w+) %\[var\(txn\.rescind_\1\)\]$/gim],
    odd: 'http-request del-header [^a-z0-9-] -m reg',
    only: [],
  },
  'haproxy-rescind.lua': {
    lists: [SCRIPT],
    odd: undefined,
    only: ['httpclient():head({ url = CHECK, headers = headers, timeout'],
  },
  Caddyfile: {
    lists: [/^\s+copy_headers (.+)$/gm, /^\s+header_up X-Auth-(\w+) \{http\.request\.header\.X-Auth-\1\}$/gm],
    odd: 'request_header -*_*',
    only: ['header_up -*-*', 'header_up -Cookie'],
  },
  'apache.conf': { lists: [], odd: undefined, only: [] },
  'apache-rescind.lua': {
    lists: [SCRIPT],
    odd: 'if name:find("[^%w-]") then r.headers_in[name] = nil end',
    only: ['headers = { authorization = authorization }'],
  },
  'traefik.yml': {
    lists: [YAML_LIST],
    odd: 'authResponseHeadersRegex: "[^0-9A-Za-z-]"',
    only: ['authRequestHeaders: ["Authorization"]'],
  },
  'apisix.yml': {
    lists: [YAML_LIST],
    odd: 'underscores_in_headers: "off"',
    only: ['request_headers: ["Authorization"]'],
  },
  'envoy.yml': {
    lists: [/^ +- \{ exact: x-auth-(\w+) \}$/gm],
    odd: 'headers_with_underscores_action: DROP_HEADER',
    only: ['patterns: [{ exact: authorization }]'],
  },
  'kubernetes-webhook.yml': { lists: [], odd: undefined, only: [] },
}

const WANTED = IDENTITY_HEADERS.map((name) => name.slice('x-auth-'.length)).sort()

/** The names that a list holds, without the prefix that all of them have. */
function namesIn(text: string, list: RegExp): readonly string[] {
  const found = [...text.matchAll(list)].flatMap(([, group = '']) => group.split(/[\s,"]+/))
  return found
    .filter((name) => name !== '')
    .map((name) => name.toLowerCase().replace(/^x-auth-/, ''))
    .sort()
}

test('every configuration clears and sets exactly the headers that /check sends [H6]', () => {
  assert.deepEqual(Object.keys(FILES).sort(), readdirSync(FOLDER).sort(), 'a file that nothing is held to')
  for (const [name, { lists }] of Object.entries(FILES)) {
    for (const list of lists) assert.deepEqual(namesIn(read(name), list), WANTED, `${name}: ${list.source}`)
    const mentioned = read(name).match(/^(?! *(?:#|--)).*x[-_]auth[-_]\w/gim) ?? []
    assert.ok(lists.length > 0 || mentioned.length === 0, `${name} names headers and lists none`)
  }
})

test('every configuration drops names that a service could take for one of those headers [H6]', () => {
  for (const [name, { odd }] of Object.entries(FILES))
    if (odd !== undefined) assert.ok(read(name).includes(odd), `${name}: ${odd}`)
  const marks = [...read('Caddyfile').matchAll(/^\s+request_header -\*(.)\*$/gm)].map(([, mark]) => mark)
  assert.deepEqual(marks.join(''), "!#$%&'*+.^_`|~", 'every character of a name (RFC 9110 §5.6.2) but these')
})

test('every configuration sends /check the credential alone [W6]', () => {
  for (const [name, { only }] of Object.entries(FILES))
    for (const text of only) assert.ok(read(name).includes(text), `${name}: ${text}`)
})

test('the page of the gateways names exactly the headers that /check sends [H6]', () => {
  const page = readFileSync(new URL('../gateways.md', FOLDER), 'utf8')
  const table = [...page.matchAll(/^\| `(X-Auth-[\w-]+)` +\|/gm)].map(([, name = '']) => name.toLowerCase())
  assert.deepEqual(table, [...IDENTITY_HEADERS])
  for (const [name] of page.matchAll(/X-Auth-(?!Token)\w+/g))
    assert.ok((IDENTITY_HEADERS as readonly string[]).includes(name.toLowerCase()), name)
  for (const name of Object.keys(FILES)) assert.ok(page.includes(`gateways/${name}`), `${name} is on no page`)
})
