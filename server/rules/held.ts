import { callerFacts, type Realm } from '@rescind/authority'
import { grantId, isHeld, isMintingHeld } from '@rescind/core'

type Bearer = {
  readonly source: string
  readonly subject?: string
  readonly client?: string
  readonly session?: string
  readonly grant?: string
}

/** Whether a hold is over these names, so that their tokens are refused, or nothing is minted for them, while it lasts. */
export function isOnHold(realm: Realm, { grant, ...names }: Bearer): boolean {
  const caller = callerFacts({ source: names.source }, realm.position())
  const facts = { ...caller, ...names, ...(grant === undefined ? {} : { grant: grantId(grant) }) }
  return isMintingHeld(facts, realm.index) || isHeld(facts, realm.index)
}
