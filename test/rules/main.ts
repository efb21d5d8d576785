import { parseArgs } from 'node:util'
import { compareHistories } from '../laws/histories.ts'

/**
 * The long form of test/laws/index-model.test.ts: `npm run test:rules -- --verdicts 5000000`. Every run draws anew;
 * a difference is printed with the seed that shows it again.
 */
const RUNS_PER_ROUND = 500
const { values } = parseArgs({ options: { verdicts: { type: 'string', default: '1000000' } } })
const wanted = Number(values.verdicts)
let [verdicts, dead] = [0, 0]
while (verdicts < wanted) {
  const compared = compareHistories(RUNS_PER_ROUND)
  verdicts += compared.verdicts
  dead += compared.dead
  console.log(`${verdicts} verdicts compared, ${dead} of them negative, no difference`)
}
