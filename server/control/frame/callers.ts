import { type Caller, callerFacts, type Realm, type Realms } from '@rescind/authority'
import type { Position } from '@rescind/core'
import { sameDigest } from '@rescind/core/bytes'
import type { Problem } from '../../http/problem.ts'
import { CONTROL_KEYS } from '../../records/control-keys.ts'
import { liveKeysOf, VERIFIERS } from '../../records/verifiers.ts'
import type { By, CallerKind } from './by.ts'
import type { KeyGuesses } from './key-guesses.ts'

export type Presented = {
  readonly authorization: string | undefined
  readonly from: string
  readonly guesses: KeyGuesses
}

/**
 * The holder of the key that a request bears. Undefined for a key that is not ours; a problem while no key is accepted.
 * @throws RealmOutOfOrder when another process may have revoked it unnoticed.
 */
export async function callerOf(realms: Realms, presented: Presented): Promise<By | Problem | undefined> {
  const { authorization, from, guesses } = presented
  const system = realms.systemForKeys
  const isBearer = authorization?.slice(0, 7).toLowerCase() === 'bearer '
  const digest = isBearer ? system.secretDigest(authorization.slice(7)) : undefined
  if (digest === undefined) return undefined
  const by = await holderOf(system, digest, from)
  const refused = guesses.refuse(from)
  if (by === undefined && refused === undefined) guesses.wrong(from, digest)
  return refused ?? by
}

/** The holder of a key: an operator's control key, or a verifier's. */
async function holderOf(system: Realm, digest: string, from: string): Promise<By | undefined> {
  const key = { name: 'digest', value: digest }
  const judgedAt = system.position()
  const entry = await system.directory.find(CONTROL_KEYS, key)
  if (entry !== undefined && sameDigest(entry.value.keyDigest, digest)) {
    const { name, role, realm, owner } = entry.value
    const known = callerNamed(system, { kind: 'control', id: entry.id, from, judgedAt })
    const caller = owner === undefined ? { ...known, name } : { ...known, name, owner }
    return { kind: 'control', id: entry.id, role, realm, owner, caller }
  }
  const verifier = await system.directory.find(VERIFIERS, key)
  if (verifier === undefined) return undefined
  if (!liveKeysOf(verifier.value).some((live) => sameDigest(live, digest))) return undefined
  const caller = callerNamed(system, { kind: 'verifier', id: verifier.id, from, judgedAt })
  return { kind: 'verifier', id: verifier.id, role: undefined, realm: verifier.value.realm, caller }
}

type Known = {
  readonly kind: CallerKind
  readonly id: string
  readonly from: string
  readonly judgedAt: Position
}

function callerNamed(system: Realm, { kind, id, from, judgedAt }: Known): Caller {
  const facts = callerFacts({ source: kind, client: id }, judgedAt)
  return { id: `${kind}:${id}`, from, dependency: { realm: system.ordinal, facts } }
}
