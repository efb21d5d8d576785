import { test } from 'node:test'
import { loseNothing } from './nodes/lose-nothing.ts'

// The whole drill: npm run test:nodes

test('[model 3.1] what any of three nodes acknowledges, all refuse, whatever fails beside them', async (t) => {
  await loseNothing(t, { events: 15, lookedAt: 150 })
})
