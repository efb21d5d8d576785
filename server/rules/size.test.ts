import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grantId } from '@rescind/core'
import type { CutoffShape, Target } from '@rescind/core/log'
import { type SizeBy, sizeBy } from './size.ts'

type Shape = Exclude<Target['kind'], 'cut'> | CutoffShape

/**
 * The expected decision for every shape of a target, for our own sources and for foreign ones. A new shape does not
 * compile here or in `sizeBy` until it is decided.
 */
const DECIDED: Readonly<Record<Shape, { readonly own: SizeBy; readonly foreign: SizeBy }>> = {
  token: { own: 'one', foreign: 'one' },
  foreign: { own: 'one', foreign: 'one' },
  grant: { own: 'counted', foreign: 'counted' },
  session: { own: 'counted', foreign: 'unseen' },
  key: { own: 'unseen', foreign: 'unseen' },
  realm: { own: 'unseen', foreign: 'unseen' },
  source: { own: 'counted', foreign: 'unseen' },
  tenant: { own: 'counted', foreign: 'unseen' },
  subject: { own: 'counted', foreign: 'unseen' },
  client: { own: 'counted', foreign: 'unseen' },
  'subject+client': { own: 'counted', foreign: 'unseen' },
  'subject+tenant': { own: 'counted', foreign: 'unseen' },
  'tenant+client': { own: 'counted', foreign: 'unseen' },
}

function targetOf(shape: Shape, source: string): Target {
  switch (shape) {
    case 'token':
      // Only the kind of this target is looked at.
      return { kind: 'token', source } as Target
    case 'foreign':
      return { kind: 'foreign', issuer: 'https://idp.example', jti: 'j' }
    case 'grant':
      return { kind: 'grant', source, grant: grantId('grt_x') }
    case 'session':
      return { kind: 'session', source, session: 's' }
    case 'key':
      return { kind: 'key', keyId: 'k' }
    default:
      return { kind: 'cut', shape, principals: { source } }
  }
}

test('targets that may cover unseen tokens are told from countable ones, shape by shape [H10]', () => {
  for (const [shape, { own, foreign }] of Object.entries(DECIDED)) {
    assert.equal(sizeBy(targetOf(shape as Shape, 'oauth')), own, shape)
    assert.equal(sizeBy(targetOf(shape as Shape, 'chat/app')), own, shape)
    assert.equal(sizeBy(targetOf(shape as Shape, 'iss:https://idp.example')), foreign, shape)
  }
})
