import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { Place } from './kit/place.ts'

// glibc reads these once, when a process starts.
it('runs with an allocator that gives back what password hashing took', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const place = new Place(t)
  const server = await place.start()
  const environment = readFileSync(`/proc/${server.process.pid}/environ`, 'utf8').split('\0')
  assert.ok(environment.includes('MALLOC_TRIM_THRESHOLD_=1048576'))
})
