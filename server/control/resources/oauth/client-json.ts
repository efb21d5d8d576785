import type { Entry } from '@rescind/authority'
import { formatInstant, instantOf } from '@rescind/core/bytes'
import { OAUTH_CLIENTS, type OauthClient } from '@rescind/dialects'
import { z } from 'zod'
import { problem } from '../../../http/problem.ts'
import { CLIENT_SETTINGS, type ClientSettings, settingsOf } from '../../../records/oauth-clients.ts'
import type { Records } from '../../frame/records.ts'

type SecretJson = { readonly id: string; readonly createdAt: string; readonly expiresAt?: string | undefined }

type ClientJson = ClientSettings & {
  readonly clientId: string
  readonly enabled: boolean
  readonly createdAt?: string | undefined
  readonly secrets: readonly SecretJson[]
}

const secret: z.ZodType<SecretJson> = z.strictObject({
  id: z.string(),
  createdAt: z.string(),
  /** Absent: it does not expire. */
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
/** A client, with the text of a secret that was just made. */
export const NEW_CLIENT: z.ZodType = z.strictObject({ ...MEMBERS, clientSecret: z.string().optional() })

function clientJson({ value }: Entry<OauthClient>, nowMs: number): ClientJson {
  const { clientId, secrets = [], createdAtMs, enabled } = value
  const live = secrets.filter(({ expiresAtMs }) => expiresAtMs === undefined || expiresAtMs > nowMs)
  return {
    clientId,
    ...settingsOf(value),
    enabled,
    createdAt: instantOf(createdAtMs),
    secrets: live.map(({ id, createdAtMs: at, expiresAtMs }) => ({
      id,
      createdAt: formatInstant(at),
      expiresAt: instantOf(expiresAtMs),
    })),
  }
}

export const CLIENTS: Records<OauthClient> = {
  collection: OAUTH_CLIENTS,
  path: '/clients/{clientId}',
  what: 'The client',
  schema: z.strictObject(MEMBERS),
  json: (entry, { realm }) => clientJson(entry, realm.nowMs()),
  none: problem(404, 'no such client'),
}
