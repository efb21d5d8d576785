import { runBatch } from './batch.ts'

runBatch({ folder: 'dialects', nth: 0, of: 2 })
