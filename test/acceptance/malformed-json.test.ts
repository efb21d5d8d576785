import { after, before } from 'node:test'
import { API_KEY, CONTROL, JSON_BODY } from '../kit/calls.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { ANN, BOB } from '../kit/seed.ts'
import { hostileTest } from './malformed/hostile-test.ts'
import type { Shape } from './malformed/shapes.ts'
import { HOSTILE_MEMBERS } from './malformed/templates.ts'
import { HostileWorld, type Sent, VICTIM } from './malformed/world.ts'

/** Invalid contents of JSON bodies. */

let world: HostileWorld
before(async () => {
  world = await HostileWorld.open()
})
after(() => world.close())

const refused = (sent: Sent, shape: Shape): Promise<RawAnswer> => world.refusedSent(sent, shape)
const hostile = hostileTest(() => world, 'some')

/** A body that would be accepted, and the paths of its members. */
type JsonRoute = {
  readonly shape: Shape
  readonly line: string
  readonly headers: readonly string[]
  readonly body: Readonly<Record<string, unknown>>
  readonly fields: readonly (readonly string[])[]
  /** Values that are valid for this field. */
  readonly isFine: (field: string, value: unknown) => boolean
}

const isText = (value: unknown): boolean => typeof value === 'string' && value.length > 0

/** Numbers name a user or a tenant like text; null and the empty string name no tenant. */
const isFineName = (field: string, value: unknown): boolean =>
  (['username', 'tenantId', 'tenantName'].includes(field) &&
    Number.isSafeInteger(value) &&
    Number(value) >= 0) ||
  (field.startsWith('tenant') && (value === null || value === ''))

function jsonRoutes(): readonly JsonRoute[] {
  const chat = { shape: 'chat', headers: [API_KEY, JSON_BODY] } as const
  const token = `/admin/clients/${VICTIM}/token`
  const login = { shape: 'identity', line: 'POST /v2.0/tokens', headers: [JSON_BODY] } as const
  const password = { username: BOB.username, password: 'wrong-password', tenantId: BOB.tenant }
  return [
    {
      ...chat,
      line: `DELETE ${token}`,
      body: { token: 'never-bound' },
      fields: [['token']],
      isFine: () => false,
    },
    {
      ...chat,
      line: `PUT ${token}`,
      body: { token: 'more', expirationDate: '2026-03-08T12:00:00Z' },
      fields: [['token'], ['expirationDate']],
      isFine: (field, value) =>
        (field === 'token' && isText(value)) || (field === 'expirationDate' && value === null),
    },
    {
      ...chat,
      line: 'POST /admin/clients',
      body: { _id: 'fuzz', id: 'fuzz', nickname: 'F', avatarUrl: 'u', issueAccessToken: false },
      fields: [['_id'], ['id'], ['nickname'], ['avatarUrl'], ['issueAccessToken']],
      isFine: (field, value) =>
        (field === 'issueAccessToken' && typeof value === 'boolean') ||
        (value === null && field !== '_id') ||
        (typeof value === 'string' && (field === 'avatarUrl' || field === 'nickname')),
    },
    {
      ...login,
      body: { auth: { passwordCredentials: password } },
      fields: [
        ['auth'],
        ['auth', 'passwordCredentials'],
        ...Object.keys(password).map((name) => ['auth', 'passwordCredentials', name]),
      ],
      isFine: isFineName,
    },
    {
      ...login,
      body: {
        auth: {
          'RAX-KSKEY:apiKeyCredentials': { username: ANN.username, apiKey: 'wrong' },
          tenantName: ANN.tenant,
        },
      },
      fields: [
        ['auth', 'RAX-KSKEY:apiKeyCredentials'],
        ['auth', 'RAX-KSKEY:apiKeyCredentials', 'username'],
        ['auth', 'RAX-KSKEY:apiKeyCredentials', 'apiKey'],
        ['auth', 'tenantName'],
      ],
      isFine: isFineName,
    },
    {
      shape: 'problem',
      line: 'POST /control/v1/grants',
      headers: [CONTROL, JSON_BODY],
      body: { clientId: 'svc', subject: 'fuzz', scope: 'read' },
      fields: [['clientId'], ['subject'], ['scope']],
      isFine: (field, value) => field === 'subject' && isText(value),
    },
  ]
}

function replaced(body: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value
  const object = body as Readonly<Record<string, unknown>>
  return { ...object, [name]: replaced(object[name], rest, value) }
}

const WRONG: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  Number.MAX_SAFE_INTEGER,
  '',
  [],
  {},
  ['x'],
  [['x']],
  { x: 'x' },
  { $ne: null },
  { toString: 'x' },
  { length: 1, 0: 'x' },
]

/** Values that JSON.stringify cannot write. Each is refused in every field. */
const UNWRITABLE: readonly string[] = [
  '1e400',
  '-1e400',
  '"\\ud800"',
  '"\\udfff\\ud800"',
  '"\\u0000"',
  '"a\\u0000b"',
  'NaN',
  'Infinity',
  'undefined',
  '01',
  '1.',
  '.5',
  '+1',
  '0x1',
  '"\n"',
  '"\\x41"',
  "'x'",
  '"x',
  `${'['.repeat(10_000)}${']'.repeat(10_000)}`,
  `${'{"a":'.repeat(6_000)}1${'}'.repeat(6_000)}`,
  `"${'x'.repeat(8_193)}"`,
  `[${'1,'.repeat(20_000)}1]`,
  '{"a":1,"a":2}',
  '{"x":{"y":1,"y":1}}',
  '{"__proto__":{"x":1}}',
  '/**/1',
  '1,',
]

hostile('[H09] [N12] refuses a wrong type at every member of every JSON body', async () => {
  for (const route of jsonRoutes()) {
    for (const field of route.fields) {
      for (const value of WRONG) {
        if (route.isFine(field.at(-1) ?? '', value)) continue
        await refused({ ...route, body: JSON.stringify(replaced(route.body, field, value)) }, route.shape)
      }
    }
  }
})

hostile(
  '[N07] refuses values that two JSON parsers read differently, in every member of every JSON body',
  async () => {
    for (const route of jsonRoutes()) {
      for (const field of route.fields) {
        const marked = JSON.stringify(replaced(route.body, field, '@HERE@'))
        for (const text of UNWRITABLE) {
          // Long texts have limits of their own, tested elsewhere.
          await refused({ ...route, body: marked.replace('"@HERE@"', () => text) }, route.shape)
        }
      }
    }
  },
)

hostile('refuses whole bodies that are no object, are not UTF-8, or have something around them', async () => {
  const whole: readonly (string | Buffer)[] = [
    ...[
      'null',
      'true',
      '1',
      '"x"',
      '[]',
      '[{}]',
      '{',
      '}',
      '{}{}',
      '{} x',
      ',',
      '{"a"}',
      '{"a":}',
      '{a:1}',
      '\ufeff',
      '\ufeff\ufeff{}',
    ],
    ...[
      '{"token":"x",}',
      '{"token":"x"}\0',
      '\0',
      ' ',
      '\n',
      '{"\\ud800":1}',
      '{"a":1}//',
      'token=x',
      '<a/>',
    ],
    Buffer.from([0x7b, 0xff, 0x7d]),
    Buffer.from('{"token":"\xff"}', 'latin1'),
    Buffer.from('{"token":"x"}', 'utf16le'),
    Buffer.from('1f8b0800000000000003ab562a', 'hex'),
  ]
  for (const route of jsonRoutes()) {
    for (const body of whole) await refused({ ...route, body }, route.shape)
  }
})

hostile('[N15] refuses JSON bodies under any other media type', async () => {
  const types = [
    'text/plain',
    'text/json',
    'application/jsonp',
    'application/json; charset=utf-16',
    'application/json; charset=iso-8859-1',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/json, text/plain',
    '*/*',
    '',
  ]
  for (const route of jsonRoutes()) {
    for (const type of types) {
      const headers = route.headers.map((line) => (line === JSON_BODY ? `Content-Type: ${type}` : line))
      await refused({ ...route, headers, body: JSON.stringify(route.body) }, route.shape)
    }
  }
})

hostile('refuses members that it does not know where an unknown one could mean something', async () => {
  for (const route of jsonRoutes()) {
    const isOpen = route.line === 'POST /admin/clients' || route.shape === 'identity'
    for (const name of [...HOSTILE_MEMBERS, '__proto__', 'Token', 'tokens', 'clientid']) {
      if (isOpen && name !== '__proto__') continue
      const text = JSON.stringify(route.body).replace(/\}$/, `,"${name}":{"user_id":"1","is_admin":true}}`)
      await refused({ ...route, body: text }, route.shape)
    }
  }
})
