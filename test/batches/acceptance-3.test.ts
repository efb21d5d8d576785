import { runBatch } from './batch.ts'

runBatch({ folder: 'test/acceptance', nth: 2, of: 4 })
