import { runFolderOnPostgres } from '../batches/batch.ts'

runFolderOnPostgres('dialects')
