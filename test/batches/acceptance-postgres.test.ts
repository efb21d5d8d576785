import { runAcceptanceOn } from './batch.ts'

runAcceptanceOn('postgres', 'quick')
