import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer, Refusal } from '@rescind/dialects'
import type { Mounted } from './mounts.ts'

/** A request as Node gives it, its mount, and the response to write to. */
export type Exchange = Mounted & {
  readonly message: IncomingMessage
  readonly response: ServerResponse
}

/** A refusal in the words of the mount. */
export function refusalTo({ mount, target, message }: Exchange, refusal: Refusal): Answer {
  return mount.refuse(refusal, target.path, message.headers.accept)
}
