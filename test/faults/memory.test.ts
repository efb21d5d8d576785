import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'node:test'
import { UNIT_PAGE, unitText } from '../kit/unit.ts'
import { read } from '../tidy/tree.ts'
import { Place } from './kit/place.ts'

/** The environment and flags that a process is started with. */
type Start = { readonly environment: Readonly<Record<string, string>>; readonly flags: readonly string[] }

const STARTS = [UNIT_PAGE, 'docs/run/Dockerfile', 'package.json']

function startIn(path: string): Start {
  const text = path === UNIT_PAGE ? unitText() : read(path).text
  const environment = [...text.matchAll(/\b(MALLOC_\w+)=(\d+)/g)].map(([, name = '', value = '']) => [
    name,
    value,
  ])
  const flags = [...text.matchAll(/--(?:disable-sigusr1|max-semi-space-size=\d+)/g)].map(([flag]) => flag)
  return { environment: Object.fromEntries(environment), flags }
}

/** Mebibytes that a process has in memory. */
const residentMb = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024

/** Four checks at a time take 76 MiB. Without these settings about 100 stay in memory, with them less than 10. */
const KEPT_MAX_MB = 48
const ROUNDS = 8

it('the unit, the image and npm start give a server the same memory and signal settings', () => {
  const unit = startIn(UNIT_PAGE)
  assert.deepEqual([Object.keys(unit.environment).length, unit.flags.length], [3, 2])
  for (const path of STARTS) assert.deepEqual(startIn(path), unit, path)
})

it('gives memory for password hashing back, as the unit starts it', {
  skip: process.platform === 'linux' ? false : 'glibc alone reads these settings',
}, async (t) => {
  const { environment, flags } = startIn(UNIT_PAGE)
  const place = new Place(t)
  const server = await place.start({
    seed: JSON.parse(read('docs/quickstart.seed.json').text),
    environment: { ...environment, NODE_OPTIONS: flags.join(' ') },
  })
  const login = async (): Promise<void> => {
    const { status } = await server.calls.json({
      method: 'POST',
      path: '/v2.0/tokens',
      headers: {},
      value: { auth: { passwordCredentials: { username: 'ann', password: 'NOT-A-SECRET-ann' } } },
    })
    assert.equal(status, 200)
  }
  await login()
  const { pid = 0 } = server.process
  const before = residentMb(pid)
  for (let round = 0; round < ROUNDS; round += 1) await Promise.all([login(), login(), login(), login()])
  const kept = residentMb(pid) - before
  assert.ok(kept < KEPT_MAX_MB, `${Math.round(kept)} MiB were kept`)
})
