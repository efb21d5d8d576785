import { runBatch } from './batch.ts'

runBatch({ folder: 'test/acceptance', nth: 0, of: 4 })
