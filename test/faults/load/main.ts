import { parseArgs } from 'node:util'
import { drill } from './drill.ts'
import type { Figures } from './measure.ts'
import { WHOLE } from './sizes.ts'

/**
 * `npm run test:load -- --beside ../another-tree`: revocations beside every load that one key can make, over a store of five
 * million tokens. Ends with 1 when the slowest hundredth of them took longer than a quarter of a second.
 */
const P99_MAX_MS = 250

const { values } = parseArgs({
  options: {
    tokens: { type: 'string', default: String(WHOLE.tokens) },
    revocations: { type: 'string', default: String(WHOLE.revocations) },
    clients: { type: 'string', default: String(WHOLE.clients) },
    realms: { type: 'string', default: String(WHOLE.realms) },
    seconds: { type: 'string', default: String(WHOLE.seconds) },
    beside: { type: 'string' },
  },
})

const { tokens, revocations, clients, realms, seconds, beside } = values
const sizes = {
  ...WHOLE,
  ...{ tokens: Number(tokens), revocations: Number(revocations), clients: Number(clients) },
  ...{ realms: Number(realms), seconds: Number(seconds) },
}
const { before, now } = await drill({ sizes, beside, say })
say('load | answers | revocations | failed | p50 | p99 | max | longest turn (ms)')
for (const [at, figures] of now.entries()) {
  const other = before?.[at]
  if (other !== undefined) say(lineOf(other, 'before: '))
  say(lineOf(figures, other === undefined ? '' : 'now:    '))
}
process.exitCode = now.every(({ p99, failed }) => p99 < P99_MAX_MS && failed === 0) ? 0 : 1

function lineOf({ load, answers, revocations: count, failed, ...ms }: Figures, head: string): string {
  const said = Object.entries(answers).map(([status, times]) => `${times} × ${status}`)
  const times = [ms.p50, ms.p99, ms.max, ms.longestTurn].map((one) => one.toFixed(1))
  return [head + load, said.join(', '), count, failed, ...times].join(' | ')
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
