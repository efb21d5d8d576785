import type { Caller } from '@rescind/authority'
import type { ControlRole } from '../../records/control-keys.ts'

/** Kinds of keys that are let in: operators' control keys, and the keys of verifiers. */
export type CallerKind = 'control' | 'verifier'

/** Whose key a request bears. */
export type By = {
  readonly kind: CallerKind
  /** Under which the key's record stands in the system realm. */
  readonly id: string
  /** Undefined for a verifier, which has no role. */
  readonly role: ControlRole | undefined
  /** The one realm that the key is for; undefined: all realms. */
  readonly realm: string | undefined
  readonly caller: Caller
}
