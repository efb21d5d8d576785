import { runBatch } from './batch.ts'

runBatch({ folder: 'test/acceptance', nth: 3, of: 4 })
