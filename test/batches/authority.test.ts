import { runBatch } from './batch.ts'

runBatch({ folder: 'authority' })
