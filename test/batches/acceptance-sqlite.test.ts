import { runAcceptanceOn } from './batch.ts'

runAcceptanceOn('sqlite', 'quick')
