export { type Decision, type Denial, decide, type GuardOptions, type Judge } from './guard/bearer.ts'
export { protectNode, type WithAuth } from './guard/node.ts'
export { openVerifier, type VerifierOptions } from './open.ts'
export type {
  Active,
  CheckOptions,
  CheckResult,
  ConnectionState,
  Inactive,
  OnStale,
  Unknown,
  VerifierStats,
} from './results.ts'
export type { Trouble, TroubleKind } from './source/trouble.ts'
export {
  createTestVerifier,
  type TestToken,
  type TestVerifier,
  type TestVerifierOptions,
} from './testing/test-verifier.ts'
export { NotReady, type Verifier } from './verifier.ts'
export type { OnRevoked } from './watches.ts'
