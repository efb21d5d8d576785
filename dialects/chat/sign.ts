import type { Realm } from '@rescind/authority'
import { defined, formatInstant } from '@rescind/core/bytes'
import { type Answer, jsonAnswer, type Stale } from '../wire/answer.ts'
import { readObject } from './body.ts'
import type { AdminAct, AdminAsk } from './call.ts'
import { parsePlainPatch } from './client-body.ts'
import { type ClientWrite, planClient } from './client-write.ts'
import { ok } from './envelope.ts'
import { type Minted, mintToken } from './mint.ts'
import { tokenIdHeader } from './token-record.ts'

type Shape = (signed: { readonly write: ClientWrite; readonly minted: Minted }) => Answer

/** `POST /auths/sign`: creates a client and its token, answered flat, as the vendor's call does. */
export const signFlat: AdminAct = (realm, ask) =>
  sign(realm, ask, (signed) => jsonAnswer(200, signedJson(signed), tokenIdHeader(signed.minted.handle)))

/** `POST /auths/sign/v2`: the same members in the envelope. */
export const signEnveloped: AdminAct = (realm, ask) =>
  sign(realm, ask, (signed) => ok(signedJson(signed), { headers: tokenIdHeader(signed.minted.handle) }))

/** `POST /sign` of the vendor's reference server: the token and its expiry only. */
export const signReference: AdminAct = (realm, ask) =>
  sign(realm, ask, ({ minted: { text, handle, expiresAtMs } }) =>
    jsonAnswer(200, { token: text, expirationDate: formatInstant(expiresAtMs) }, tokenIdHeader(handle)),
  )

async function sign(realm: Realm, { admin, request }: AdminAsk, shape: Shape): Promise<Answer | Stale> {
  const body = readObject(request)
  if (body.kind === 'refused') return body.answer
  const patch = parsePlainPatch(body.members, ['id', '_id'])
  if (patch.kind === 'refused') return patch.answer
  const write = await planClient(realm, { app: admin.app.name, caller: admin.caller, patch })
  if (write.kind === 'refused') return write.answer
  const minted = await mintToken(realm, admin, write)
  if (minted.kind === 'stale') return 'stale'
  return minted.kind === 'refused' ? minted.answer : shape({ write, minted })
}

function signedJson({ write, minted }: Parameters<Shape>[0]): Readonly<Record<string, unknown>> {
  const { id, nickname, avatarUrl } = write.value
  return {
    authType: 'Standalone JWT',
    token: minted.text,
    expirationDate: formatInstant(minted.expiresAtMs),
    id,
    ...defined({ nickname, avatarUrl }),
    exp: Math.floor(minted.expiresAtMs / 1_000),
  }
}
