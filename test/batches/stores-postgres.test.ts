import { runBatch } from './batch.ts'

runBatch({ folder: 'stores/postgres' })
