import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atLast, History, type Hold, type Look, Scope, type Token } from './history.ts'

const GRANT_AT = 1

function given(): {
  readonly history: History
  readonly own: Scope
  readonly grant: Scope
  readonly token: Token
} {
  const history = new History()
  const [own, grant] = [new Scope('itself'), new Scope('grant')]
  const of = { dialect: 'oauth', kind: 'access', text: 'x', holder: '', scopes: [own, grant] } as const
  return { history, own, grant, token: history.issued(of, GRANT_AT) }
}

function looked(said: Look['said'], sentMs: number, answeredMs: number): Look {
  return { where: 'a node', sentMs, answeredMs, said }
}

function held(heldMs: number, mayEndMs: number): Hold {
  return { askedMs: heldMs - 1, heldMs, mayEndMs, isReleased: false }
}

test('a request that left after an acknowledgement must be refused, and the report tells the story', () => {
  for (const which of ['own', 'grant'] as const) {
    const { history, token, ...scopes } = given()
    scopes[which].asked(10)
    scopes[which].tell(20, 'revoked')
    scopes[which].acknowledged(20)
    history.saw(token, looked('live', 20, 30))
    history.saw(token, looked('over', 21, 30))
    history.saw(token, looked('nothing', 21, 30))
    assert.deepEqual(history.violations, [])
    history.saw(token, looked('live', 21, 40))
    const [violation = ''] = history.violations
    assert.match(violation, /^accepted after the acknowledgement: oauth access token 0, a node\n/)
    assert.match(
      violation,
      /1 oauth access token 0: issued\n {2}20 \w+: revoked\n.*\n.*\n.*\n {2}40 a node: live/,
    )
  }
})

test('a later acknowledgement of the same does not move the first one', () => {
  const { history, own, token } = given()
  own.acknowledged(20)
  own.acknowledged(50)
  history.saw(token, looked('live', 30, 31))
  assert.equal(history.violations.length, 1)
})

test('a token that nobody asked to end must not be over; one that somebody asked to end may be', () => {
  const { history, grant, token } = given()
  history.saw(token, looked('over', 5, 9))
  assert.match(history.violations[0] ?? '', /^over, though nobody asked for it/)
  grant.asked(10)
  history.saw(token, looked('over', 8, 10))
  history.saw(token, looked('live', 8, 10))
  assert.equal(history.violations.length, 1)
})

test('a hold must be kept by every request between its acknowledgement and its end', () => {
  const { history, own, token } = given()
  own.holds.push(held(10, 100))
  history.saw(token, looked('live', 10, 20))
  history.saw(token, looked('live', 11, 100))
  history.saw(token, looked('over', 11, 20))
  assert.deepEqual(history.violations, [])
  history.saw(token, looked('live', 11, 99))
  assert.equal(history.violations.length, 1)
})

test('at last it is known of most tokens whether they live', () => {
  const { own, grant, token } = given()
  assert.equal(atLast(token), 'live')
  own.holds.push(held(10, 100))
  assert.equal(atLast(token), undefined)
  for (const hold of own.holds) hold.isReleased = true
  assert.equal(atLast(token), 'live')
  grant.asked(5)
  assert.equal(atLast(token), undefined)
  grant.isOverAtLast = true
  assert.equal(atLast(token), 'over')
})
