import type { Entry } from '@rescind/authority'
import type { CutoffTarget } from '@rescind/core/log'
import type { OauthClient } from '@rescind/dialects'
import { isAnswer, type Problem } from '../../../http/problem.ts'
import type { Ask } from '../../frame/endpoint.ts'
import type { Change } from '../../frame/records.ts'
import { endingRows } from '../rules/ending.ts'

type Wanted = {
  readonly value: OauthClient
  /** Whether everything issued to the client ends with the change. */
  readonly ends: boolean
  readonly why?: string | undefined
}

/** A client's new record and the operations that end its tokens, or the problem with ending so many. */
export async function changedTo(
  ask: Ask,
  { id }: Pick<Entry<OauthClient>, 'id'>,
  { value, ends, why }: Wanted,
): Promise<Change<OauthClient> | Problem> {
  const ending = ends ? await endingRows(ask, clientTarget(id), why) : []
  return isAnswer(ending) ? ending : { value, why, after: ending }
}

/** All tokens issued to the client so far, and their descendants. */
export function clientTarget(client: string): CutoffTarget {
  return { kind: 'cut', shape: 'client', principals: { source: 'oauth', client } }
}
