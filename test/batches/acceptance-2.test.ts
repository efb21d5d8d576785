import { runBatch } from './batch.ts'

runBatch({ folder: 'test/acceptance', nth: 1, of: 4 })
