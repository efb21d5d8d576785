import { runAcceptanceOn } from '../batches/batch.ts'

runAcceptanceOn('sqlite', 'others')
