import type { Caller, Realm } from '@rescind/authority'
import type { ControlRole } from '../../records/control-keys.ts'
import { verifierName } from '../../records/verifiers.ts'

/** Kinds of keys that may call: operators' control keys, and the keys of verifiers. */
export type CallerKind = 'control' | 'verifier'

/** The key that a request bears. */
export type By = {
  readonly kind: CallerKind
  /** The id of the key's record in the system realm. */
  readonly id: string
  /** Undefined for a verifier, which has no role. */
  readonly role: ControlRole | undefined
  /** The person that the key belongs to. Undefined: nobody by name, who counts as one person with all such keys. */
  readonly owner?: string | undefined
  /** The only realm that the key may act in; undefined: all realms. */
  readonly realm: string | undefined
  readonly caller: Caller
}

/** The name of a key where it is used: a verifier's in its realm, or a control key's. */
export function nameOfKey(realm: Realm, { kind, id, caller }: By): string {
  return kind === 'verifier' ? verifierName(realm, id) : (caller.name ?? id)
}
