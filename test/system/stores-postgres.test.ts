import { runBatch } from '../batches/batch.ts'

runBatch({ folder: 'stores/postgres' })
