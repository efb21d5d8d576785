import {
  type Awaitable,
  after,
  type Caller,
  callerFacts,
  type Position,
  type Realm,
  sameDigest,
} from '@rescind/core'
import { VERIFIERS } from '../../verifiers.ts'
import { CONTROL_KEYS } from '../keys.ts'
import type { By, CallerKind } from './endpoint.ts'

/** Who a bearer key speaks for: an operator's control key, or a verifier's. Undefined for none of ours. */
export function callerOf(
  system: Realm,
  authorization: string | undefined,
  from: string,
): Awaitable<By | undefined> {
  if (authorization === undefined || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return undefined
  const digest = system.secretDigest(authorization.slice(7))
  const key = { name: 'digest', value: digest }
  const basis = system.basis()
  return after(system.directory.find(CONTROL_KEYS, key), (entry): Awaitable<By | undefined> => {
    if (entry !== undefined && sameDigest(entry.value.keyDigest, digest)) {
      const { role, realm } = entry.value
      const caller = standing(system, { kind: 'control', id: entry.id, from, basis })
      return { kind: 'control', id: entry.id, role, realm, caller }
    }
    return after(system.directory.find(VERIFIERS, key), (verifier) => {
      if (verifier === undefined || !sameDigest(verifier.value.keyDigest, digest)) return undefined
      const caller = standing(system, { kind: 'verifier', id: verifier.id, from, basis })
      return { kind: 'verifier', id: verifier.id, role: undefined, realm: verifier.value.realm, caller }
    })
  })
}

type Stands = {
  readonly kind: CallerKind
  readonly id: string
  readonly from: string
  readonly basis: Position
}

function standing(system: Realm, { kind, id, from, basis }: Stands): Caller {
  const facts = callerFacts({ source: kind, client: id }, basis)
  return { id: `${kind}:${id}`, from, standing: { realm: system.ordinal, facts } }
}
