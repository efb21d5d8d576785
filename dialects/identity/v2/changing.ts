import type { Expectation, Operation } from '@rescind/authority'
import { unreachable } from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import type { Answer, Stale } from '../../wire/answer.ts'
import type { Call } from '../call.ts'
import type { Change } from '../directory/changes.ts'
import { HOLDS_CREDENTIAL, writeDirectory } from '../directory/write.ts'
import { callerOf } from '../session/caller.ts'
import type { LiveTokenContext } from '../session/token-context.ts'
import { fault, unauthorized, VARY, WRONG_CODE } from './faults.ts'

export type Changing = {
  readonly caller: Pick<LiveTokenContext, 'user' | 'record'>
  /** Name of the call for the audit log. */
  readonly how: string
  readonly changes: readonly Change[]
  readonly also?: readonly Operation[]
  readonly expects?: readonly Expectation[]
}

/** Writes the changes and answers with `done` once they are durable, or with the fault. */
export async function change(
  call: Call,
  { caller, how, changes, also, expects }: Changing,
  done: () => Answer | Promise<Answer>,
): Promise<Answer | Stale> {
  const { realm, request } = call
  const written = await writeDirectory(realm, changes, {
    caller: callerOf(realm, request, caller),
    how: `identity.${how}`,
    ...defined({ also, expects }),
  })
  switch (written.kind) {
    case 'written':
      return done()
    case 'stale':
      return 'stale'
    case 'code-used':
      return unauthorized(request, WRONG_CODE)
    case 'holds-credential':
      return fault('badRequest', HOLDS_CREDENTIAL)
    case 'name-taken':
      return fault('conflict', 'Another one has this name.')
    case 'too-many':
      return fault('conflict', 'This would change more records than one request may: change them in parts.')
    default:
      return unreachable(written)
  }
}

export const NO_CONTENT: Answer = {
  status: 204,
  headers: { ...VARY, 'cache-control': 'no-store' },
  body: '',
}
