import { runBatch } from './batch.ts'

runBatch({ folder: 'test/laws' })
