import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createChatDialect, createIdentityDialect, createOauthDialect, type Dialect } from '@rescind/dialects'
import { FakePasswords } from '../kit/world-identity.ts'
import { chatCalls, type DialectCall, oauthCalls, v2Calls, v3Calls } from '../reference/dialect-calls.ts'

/** Unsafe calls whose good answers acknowledge neither a revocation nor a change: they judge, or issue. */
const OTHERS: ReadonlySet<string> = new Set([
  ...['POST /api/id/v1/auth/token', 'POST /api/id/v1/auth/token/introspect'],
  ...['POST /auths/sign', 'POST /auths/sign/v2', 'POST /sign', 'POST /verify', 'POST /badges'],
  ...['POST /v2.0/tokens', 'POST /v2.0/RAX-AUTH/impersonation-tokens', 'POST /v3/auth/tokens'],
])
const SAFE = ['GET', 'HEAD', 'OPTIONS']

const never = (): never => assert.fail('no request is answered here')
const oauth = createOauthDialect({ baseOf: never, replaySeconds: 0, cacheTtlSeconds: 0, strictHints: false })
const chat = createChatDialect({})
const identity = createIdentityDialect({ passwords: new FakePasswords() })

/** A path that this template matches. */
function pathOf(template: string): string {
  return template.replaceAll(/\{[^}]*\}|:[a-z-]+/g, 'x')
}

function acknowledging(dialect: Dialect, calls: readonly DialectCall[]): readonly [string, boolean][] {
  return calls.map(({ method, template }) => [
    `${method} ${template}`,
    dialect.acknowledges({ method, path: pathOf(template) }),
  ])
}

const ALL = [
  ...acknowledging(oauth, oauthCalls()),
  ...acknowledging(chat, chatCalls()),
  ...acknowledging(identity, [...v2Calls(), ...v3Calls()]),
]

test('every unsafe call of every dialect waits until all nodes refuse, but those that judge or issue', () => {
  for (const [call, acknowledges] of ALL) {
    const isSafe = SAFE.includes(call.split(' ')[0] ?? '')
    assert.equal(acknowledges, !isSafe && !OTHERS.has(call), call)
  }
})

test('each call that does not wait is one that there is', () => {
  const known = new Set(ALL.map(([call]) => call))
  for (const call of OTHERS) assert.ok(known.has(call), call)
})

test('a call that no table has waits, too', () => {
  for (const dialect of [oauth, chat, identity])
    assert.equal(dialect.acknowledges({ method: 'POST', path: '/no/such/path' }), true)
})
