import { parseArgs } from 'node:util'
import { soak } from './soak.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '200' }, tokens: { type: 'string', default: '2000' } },
})

/**
 * `npm run test:soak -- --rounds 200 --tokens 2000`: prints a line per round. Columns that have reached their plateau
 * stay there.
 */
let round = 0
await soak({
  rounds: Number(values.rounds),
  tokens: Number(values.tokens),
  onRound: (size) => {
    round += 1
    const { fileBytes, logBytes, heapBytes, indexBytes, ...counts } = size
    const kb = { fileKb: fileBytes, logKb: logBytes, heapKb: heapBytes, indexKb: indexBytes }
    const all = {
      round,
      ...counts,
      ...Object.fromEntries(Object.entries(kb).map(([name, bytes]) => [name, Math.round(bytes / 1_024)])),
    }
    process.stdout.write(`${JSON.stringify(all)}\n`)
  },
})
