import { runAcceptanceOn } from '../batches/batch.ts'

runAcceptanceOn('postgres', 'others')
