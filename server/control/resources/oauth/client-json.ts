import type { Entry } from '@rescind/authority'
import { type Answer, formatInstant, jsonAnswer, type OauthClient } from '@rescind/dialects'
import { z } from 'zod'
import { CLIENT_SETTINGS, type ClientSettings, settingsOf } from '../../../records/oauth-clients.ts'
import { etagOf } from '../../frame/etag.ts'

type SecretJson = { readonly id: string; readonly createdAt: string; readonly expiresAt?: string | undefined }

export type ClientJson = ClientSettings & {
  readonly clientId: string
  readonly enabled: boolean
  readonly createdAt?: string | undefined
  readonly secrets: readonly SecretJson[]
}

const secret: z.ZodType<SecretJson> = z.strictObject({
  id: z.string(),
  createdAt: z.string(),
  /** Absent: until somebody ends it. */
  expiresAt: z.string().optional(),
})

const MEMBERS = {
  clientId: z.string(),
  ...CLIENT_SETTINGS,
  enabled: z.boolean(),
  createdAt: z.string().optional(),
  /** Its secrets, without their text. */
  secrets: z.array(secret),
}
export const CLIENT: z.ZodType = z.strictObject(MEMBERS)
/** As above, with the text of a secret that was just made. */
export const NEW_CLIENT: z.ZodType = z.strictObject({ ...MEMBERS, clientSecret: z.string().optional() })

export function clientJson({ value }: Entry<OauthClient>, nowMs: number): ClientJson {
  const { clientId, secrets = [], createdAtMs, enabled } = value
  const live = secrets.filter(({ expiresAtMs }) => expiresAtMs === undefined || expiresAtMs > nowMs)
  return {
    clientId,
    ...settingsOf(value),
    enabled,
    ...(createdAtMs === undefined ? {} : { createdAt: formatInstant(createdAtMs) }),
    secrets: live.map(({ id, createdAtMs: at, expiresAtMs }) => ({
      id,
      createdAt: formatInstant(at),
      ...(expiresAtMs === undefined ? {} : { expiresAt: formatInstant(expiresAtMs) }),
    })),
  }
}

/** A client as it stands; `more` is what only this answer shows. */
export function shownClient(
  entry: Entry<OauthClient>,
  nowMs: number,
  { status, more }: { readonly status: number; readonly more?: object },
): Answer {
  const headers = { etag: etagOf(entry.version) }
  return jsonAnswer(status, { ...clientJson(entry, nowMs), ...more }, headers)
}
