import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HostileWorld } from './world.ts'

export type HostileTest = (name: string, act: () => Promise<void>) => void

/**
 * The frame of a test of one kind of hostile input. It counts the inputs, and checks by reading that the victims are
 * unchanged. `none`: it also checks that nothing was written.
 */
export function hostileTest(world: () => HostileWorld, writes: 'none' | 'some'): HostileTest {
  return (name, act) => {
    test(name, async (t) => {
      const before = { inputs: world().inputs, writes: world().writes }
      await act()
      if (writes === 'none') assert.equal(world().writes, before.writes, 'something was written')
      await world().assertVictimsLive()
      t.diagnostic(`${world().inputs - before.inputs} inputs`)
    })
  }
}
