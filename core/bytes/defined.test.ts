import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defined } from './defined.ts'

type Named = {
  readonly id: string
  readonly kind: 'a' | 'b'
  readonly name?: string
  readonly list?: readonly string[]
}

test('keeps what is not undefined, null and empty values included, in the order given', () => {
  const kept = defined({ z: 1, gone: undefined, y: null, x: '', w: 0, v: false })
  assert.equal(JSON.stringify(kept), '{"z":1,"y":null,"x":"","w":0,"v":false}')
  assert.equal('gone' in kept, false)
})

test('returns a new object, without members of the prototype', () => {
  const given = Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true } }) as { own: number }
  const kept = defined(given)
  assert.notEqual(kept, given)
  assert.deepEqual(Object.entries(kept), [['own', 2]])
})

test('what may be undefined comes out optional, and literals stay literals', () => {
  const name = 'n' as string | undefined
  const named: Named = defined({ id: 'i', kind: 'a', name, list: undefined })
  assert.deepEqual(named, { id: 'i', kind: 'a', name: 'n' })
  // @ts-expect-error a member that may be absent is not a required one
  const wrong: { readonly name: string } = defined({ name })
  assert.deepEqual(wrong, { name: 'n' })
})
