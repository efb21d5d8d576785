import { runBatch } from './batch.ts'

runBatch({ folder: 'dialects', nth: 1, of: 2 })
