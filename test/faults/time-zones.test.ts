import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('./kit/zone-program.ts', import.meta.url))
/** Zones whose clocks change at various times of the year, by half an hour or three quarters, or skip a whole day. */
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'America/New_York',
]

function saidIn(zone: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM], {
    env: { ...process.env, TZ: zone },
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  return stdout
}

test('[CAT-H10] [CAT-H13] no zone, and no hour that comes twice or never, changes an instant, an expiry or a cutoff', () => {
  const [utc, ...others] = ZONES.map(saidIn)
  assert.ok(utc !== undefined && utc.split('\n').length > 100)
  for (const [at, said] of others.entries()) assert.equal(said, utc, `in ${ZONES[at + 1]}`)
})
