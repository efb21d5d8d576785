import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ORDINAL_MAX, SEQ_MAX } from '../position.ts'
import { type Checkpoint, checkpointText, parseCheckpoint, readCheckpoint } from './checkpoint-text.ts'

const KEY = Buffer.alloc(32, 1)
const CHAIN = Buffer.alloc(32, 9).toString('base64url')
const CHECKPOINT: Checkpoint = { ordinal: 3, epochId: 'A'.repeat(22), seq: 7, chain: CHAIN }

const checkpoints: fc.Arbitrary<Checkpoint> = fc.record({
  ordinal: fc.integer({ min: 0, max: ORDINAL_MAX }),
  epochId: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((id) => Buffer.from(id).toString('base64url')),
  seq: fc.integer({ min: 0, max: SEQ_MAX }),
  chain: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((id) => Buffer.from(id).toString('base64url')),
})

test('a checkpoint that was handed out is read back unchanged', () => {
  fc.assert(
    fc.property(checkpoints, (drawn) => {
      const checkpoint = { ...drawn }
      const text = checkpointText(checkpoint, KEY)
      assert.match(text, /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){4}$/)
      assert.deepEqual(parseCheckpoint(text, KEY), checkpoint)
      assert.deepEqual(readCheckpoint(text), checkpoint)
    }),
  )
})

test('a checkpoint with one character changed, added or left out is refused', () => {
  const text = checkpointText(CHECKPOINT, KEY)
  for (let at = 0; at < text.length; at += 1) {
    for (const other of ['A', 'x', '0', '-', '.', '=']) {
      if (text[at] !== other)
        assert.equal(parseCheckpoint(text.slice(0, at) + other + text.slice(at + 1), KEY), undefined)
    }
    assert.equal(parseCheckpoint(text.slice(0, at), KEY), undefined)
    assert.equal(parseCheckpoint(text.slice(0, at) + text.slice(at + 1), KEY), undefined)
  }
  for (const odd of ['', '....', `${text} `, ` ${text}`, `${text}.`, `0${text}`])
    assert.equal(parseCheckpoint(odd, KEY), undefined, odd)
})

test('a checkpoint of another realm, which has another key, proves nothing', () => {
  assert.equal(parseCheckpoint(checkpointText(CHECKPOINT, Buffer.alloc(32, 2)), KEY), undefined)
})

test('numbers beyond what a log can hold are refused', () => {
  const tag = 'A'.repeat(43)
  assert.notEqual(readCheckpoint(`${ORDINAL_MAX}.e.${SEQ_MAX}.${CHAIN}.${tag}`), undefined)
  assert.equal(readCheckpoint(`${ORDINAL_MAX + 1}.e.1.${CHAIN}.${tag}`), undefined)
  assert.equal(readCheckpoint(`1.e.${SEQ_MAX + 1}.${CHAIN}.${tag}`), undefined)
  assert.equal(readCheckpoint(`01.e.1.${CHAIN}.${tag}`), undefined)
})
