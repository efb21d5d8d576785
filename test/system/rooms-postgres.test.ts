import { runFolderOnPostgres } from '../batches/batch.ts'

for (const folder of ['authority', 'feed', 'server', 'verifier']) runFolderOnPostgres(folder)
