import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import * as jose from 'jose'

/** A foreign identity provider, which signs tokens and publishes its keys on this machine. */
export class Provider {
  readonly issuer: string
  readonly jwksUrl: string
  /** How often its keys were requested. */
  asked = 0
  /** The status that it answers instead of its keys. */
  broken: number | undefined
  readonly #server: http.Server
  readonly #nowSeconds: () => number
  #key: jose.GenerateKeyPairResult
  #jwk: jose.JWK

  private constructor(server: http.Server, made: Made) {
    this.#server = server
    const { port } = server.address() as AddressInfo
    this.issuer = made.issuer
    this.jwksUrl = `http://127.0.0.1:${port}/keys`
    this.#nowSeconds = made.nowSeconds
    this.#key = made.key
    this.#jwk = made.jwk
    server.on('request', (_request, response) => {
      this.asked += 1
      response.statusCode = this.broken ?? 200
      response.end(JSON.stringify({ keys: [this.#jwk] }))
    })
  }

  static async open(issuer: string, nowSeconds: () => number): Promise<Provider> {
    const server = http.createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { key, jwk } = await makeKey('one')
    return new Provider(server, { issuer, nowSeconds, key, jwk })
  }

  /** The public key, as in a registration or its key set. */
  get jwk(): jose.JWK {
    return this.#jwk
  }

  async rotate(kid: string): Promise<void> {
    const { key, jwk } = await makeKey(kid)
    this.#key = key
    this.#jwk = jwk
  }

  /** A token with these claims over the defaults; undefined omits one. */
  sign(claims: Readonly<Record<string, unknown>> = {}, typ = 'JWT'): Promise<string> {
    const now = this.#nowSeconds()
    const usual = { iss: this.issuer, jti: crypto.randomUUID(), sub: 'alice', iat: now, exp: now + 600 }
    return new jose.SignJWT({ ...usual, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: this.#jwk.kid ?? '', typ })
      .sign(this.#key.privateKey)
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

type Made = {
  readonly issuer: string
  readonly nowSeconds: () => number
  readonly key: jose.GenerateKeyPairResult
  readonly jwk: jose.JWK
}

async function makeKey(kid: string): Promise<Pick<Made, 'key' | 'jwk'>> {
  const key = await jose.generateKeyPair('ES256', { extractable: true })
  return { key, jwk: { ...(await jose.exportJWK(key.publicKey)), kid } }
}
