import type { Response } from './load.ts'
import { CLIENT, type Target } from './target.ts'

/** The seed of every server of ours that is measured: one client that may do everything that is measured. */
export function seedText(): string {
  const client = { ...CLIENT, grantTypes: ['client_credentials', 'refresh_token'], scopes: ['read', 'write'] }
  return JSON.stringify({ realms: [{ name: 'default', oauthClients: [client] }] })
}

export function expectStatus(response: Response, status: number): void {
  if (response.status !== status) throw new Error(`${response.status} instead of ${status}: ${response.body}`)
}

export function expectActive(target: Target, response: Response, active: boolean): void {
  expectStatus(response, 200)
  if (target.hasTokens && !response.body.includes(`"active":${active}`))
    throw new Error(`not ${active}: ${response.body}`)
}

export function accessTokenOf({ body }: Response): string {
  const start = body.indexOf('"access_token":"') + '"access_token":"'.length
  return body.slice(start, body.indexOf('"', start))
}
