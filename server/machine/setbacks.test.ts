import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreUnavailable } from '@rescind/core'
import { pino } from 'pino'
import { openWorld } from '../../test/kit/realm.ts'
import { Setbacks } from './setbacks.ts'

type Line = {
  readonly level: number
  readonly realm?: string
  readonly step?: string
  readonly reason?: string
}

async function open(): Promise<{ readonly setbacks: Setbacks; readonly lines: Line[] }> {
  const lines: Line[] = []
  const log = pino({ level: 'info' }, { write: (text: string) => void lines.push(JSON.parse(text) as Line) })
  const { realms } = await openWorld()
  return { setbacks: new Setbacks(realms, log), lines }
}

async function fail(message: string): Promise<never> {
  throw new StoreUnavailable(message)
}

const PART = { realm: 'zed', step: 'receipts' }

test('[W93] a part that fails is logged once, with its realm, however often it is tried', async () => {
  const { setbacks, lines } = await open()
  for (let round = 0; round < 151; round += 1)
    assert.equal(await setbacks.run(PART, () => fail('gone')), false)
  assert.deepEqual(
    lines.map(({ realm, step, reason }) => ({ realm, step, reason })),
    [{ ...PART, reason: 'gone' }],
  )
  assert.deepEqual(setbacks.open, [{ ...PART, reason: 'gone' }])
  await setbacks.run(PART, () => fail('gone otherwise'))
  assert.equal(lines.length, 2, 'another reason is another line')
  assert.equal(await setbacks.run(PART, async () => {}), true)
  assert.deepEqual([lines.length, setbacks.open], [3, []])
})

test('[W93] a bug in one part is logged as a bug, and the parts after it run', async () => {
  const { setbacks, lines } = await open()
  const bug = async (): Promise<never> => {
    throw new TypeError('a record that cannot be read')
  }
  assert.equal(await setbacks.run(PART, bug), false)
  let ran = false
  const next = async (): Promise<void> => {
    ran = true
  }
  assert.equal(await setbacks.run({ ...PART, step: 'checkpoint' }, next), true)
  assert.equal(await setbacks.run({ ...PART, realm: 'other' }, next), true)
  assert.ok(ran)
  assert.deepEqual(
    lines.map(({ level, realm }) => [level, realm]),
    [[50, 'zed']],
  )
})
