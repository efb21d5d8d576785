import { OAUTH_CLIENTS, type OauthClientIntent, oauthClientValue } from '@rescind/dialects'
import { z } from 'zod'
import {
  CLIENT_SETTINGS,
  type ClientSettings,
  clientMembers,
  settingsProblem,
} from '../../records/oauth-clients.ts'
import { createAll, plan } from '../../seed/create.ts'
import { id, type SeedPart, type SeedSecret, secret, seedPart } from '../../seed/parts.ts'

type SeedOauthClient = ClientSettings & {
  readonly clientId: string
  readonly clientSecret?: SeedSecret | undefined
}
const oauthClient = z
  .strictObject({ clientId: id, clientSecret: secret.optional(), ...CLIENT_SETTINGS })
  .check(({ value, issues }) => {
    const { clientSecret, ...settings } = value
    const isProved = clientSecret !== undefined || settings.jwks !== undefined
    const message =
      settingsProblem(settings) ??
      (isProved === (settings.public === true)
        ? 'clientSecret: needed, unless it has jwks or is public'
        : undefined)
    if (message !== undefined) issues.push({ code: 'custom', message, input: value.clientId })
  })

/** The OAuth clients of a realm. */
export const OAUTH_SEED: SeedPart = seedPart({
  members: { oauthClients: z.array(oauthClient).default([]) },
  create: (realm, { oauthClients }, { reveal }) =>
    createAll(realm, oauthClients, (client) => {
      const of = `OAuth client ${client.clientId}`
      return plan({ collection: OAUTH_CLIENTS, id: client.clientId }, () =>
        oauthClientValue(
          realm,
          clientIntent(client, (secret) => reveal(secret, of)),
        ),
      )
    }),
})

function clientIntent(
  { clientId, clientSecret, ...settings }: SeedOauthClient,
  reveal: (secret: SeedSecret) => string,
): OauthClientIntent {
  const intent = { clientId, ...clientMembers(settings) }
  return clientSecret === undefined ? intent : { ...intent, clientSecret: reveal(clientSecret) }
}
