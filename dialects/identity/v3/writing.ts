import type { Expectation, Realm } from '@rescind/authority'
import { unreachable } from '@rescind/core'
import type { Answer, Stale } from '../../wire/answer.ts'
import type { Call } from '../call.ts'
import type { Change } from '../directory/changes.ts'
import { HOLDS_CREDENTIAL, writeDirectory } from '../directory/write.ts'
import { type Acting, callerOf } from './acting.ts'
import { conflict, forbidden, malformed } from './answers.ts'

export type Writing = {
  readonly acting: Acting
  /** Name of the call for the audit log. */
  readonly how: string
  readonly changes: readonly Change[]
  /** Records that the change depends on and does not change itself. */
  readonly expects?: readonly Expectation[]
  readonly done: () => Answer
}

/** Writes a change of the directory with all its consequences, and answers once it is durable. */
export async function written(
  call: Call,
  { acting, how, changes, expects = [], done }: Writing,
): Promise<Answer | Stale> {
  const outcome = await writeDirectory(call.realm, changes, { caller: callerOf(call, acting), how, expects })
  switch (outcome.kind) {
    case 'written':
      return done()
    // These writes carry no passcode.
    case 'code-used':
    case 'stale':
      return 'stale'
    case 'holds-credential':
      return malformed(HOLDS_CREDENTIAL)
    case 'name-taken':
      return conflict('Another one has this name.')
    case 'too-many':
      return forbidden('This would change more records than one request may: change them in parts.')
    default:
      return unreachable(outcome)
  }
}

const ID_BYTES = 16

/** An id in Keystone's form: 32 hexadecimal digits. */
export function newId(realm: Realm): string {
  return realm.random.bytes(ID_BYTES).toString('hex')
}
