export { type Answer, jsonAnswer, RETRY_AFTER_SECONDS, type Refusal, type Stale } from './wire/answer.ts'
export { type Dialect, untilFresh } from './wire/dialect.ts'
export type { WireRequest } from './wire/request.ts'
