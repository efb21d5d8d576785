import { runAcceptanceOn, runFiles } from './batch.ts'

runAcceptanceOn('postgres', 'these')

// The contract is here, and all else about this store in test/system/stores-postgres.test.ts.
runFiles(['stores/postgres/postgres.test.ts'])
