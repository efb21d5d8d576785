/**
 * `npm run test:refresh-races -- [--rounds N] [--seed S]`: N rounds of 32 parallel refreshes of one token. Throws at
 * the first round with two live lineages, a lost session, or a reuse that did not end the grant.
 */
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { runRaces } from './races/refresh.ts'

const ROUNDS = '1000'
const SEED_MAX = 2 ** 31

const { values } = parseArgs({ options: { rounds: { type: 'string' }, seed: { type: 'string' } } })
const rounds = Number(values.rounds ?? ROUNDS)
const seed = Number(values.seed ?? randomInt(SEED_MAX))
console.log(`refresh races: ${rounds} rounds, seed ${seed}`)
console.log(JSON.stringify(await runRaces({ rounds, parallel: 32, seed })))
