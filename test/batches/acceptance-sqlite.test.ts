import { runAcceptanceOn } from './batch.ts'

runAcceptanceOn('sqlite', 'these')
