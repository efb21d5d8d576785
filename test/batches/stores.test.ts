import { runBatch } from './batch.ts'

runBatch({ folder: 'stores', except: 'stores/postgres' })
