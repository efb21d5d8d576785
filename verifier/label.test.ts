import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openVerifier } from './open.ts'

// Text for operators that looks like something else.
test('[S3] no verifier opens under a label that reorders or hides text, or is too long', () => {
  const options = { url: 'http://127.0.0.1:9', key: 'k' }
  for (const label of [
    'po\u202ed-7',
    '\u2066pod',
    'po\u200bd',
    'po\u200dd',
    'pod\n',
    'pod\u001b[2K',
    '\ufeffpod',
    'x'.repeat(129),
  ])
    assert.throws(
      () => openVerifier({ ...options, label }),
      /label: must be text without hidden characters/,
      label,
    )
})
