import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Caller, callerFacts, commitOwn, putRecord, type Store } from '@rescind/authority'
import type { Rule } from '@rescind/core/log'
import {
  createOauthDialect,
  type Dialect,
  OAUTH_CLIENTS,
  type OauthClient,
  type OauthClientIntent,
  type OauthNotice,
  oauthClientValue,
  startCode,
  startGrant,
} from '@rescind/dialects'
import { MemoryStore, openSqlite } from '@rescind/stores'
import { openWorld, START_MS, type World } from './realm.ts'
import { bodyText, wireRequest } from './request.ts'

export const STAGE_ISSUER = 'https://as.example/api/id/v1'
export const STAGE_SECRET = 'svc-secret-0123456789'
export const STAGE_REDIRECT = 'https://app.example/cb'
export const STAGE_VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const AUDIT = { by: 'test', from: 'local', how: 'test' }

type CodeIntent = Parameters<typeof startCode>[2]
type Values = Readonly<Record<string, string>>
/** Headers beside or instead of the media type; undefined omits one. */
type SentHeaders = Readonly<Record<string, string | undefined>>
/** Members of a form; repeated ones are lists. */
type FormValues = Readonly<Record<string, string | readonly string[]>>
export type Said = {
  readonly status: number
  readonly text: string
  readonly body: Readonly<Record<string, unknown>>
}

/** The OAuth dialect without a server, on a given store, with a clock that the test controls. */
export class OauthStage {
  readonly world: World
  readonly dialect: Dialect
  readonly notices: OauthNotice[] = []

  constructor(world: World, strictHints = false) {
    this.world = world
    this.dialect = createOauthDialect({
      baseOf: () => 'https://as.example',
      replaySeconds: 30,
      cacheTtlSeconds: 5,
      strictHints,
      onNotice: (notice) => this.notices.push(notice),
    })
  }

  /** Creates or replaces a client, with a secret unless it is public. */
  async put(
    clientId: string,
    settings: Partial<OauthClientIntent> = {},
    more: Pick<Partial<OauthClient>, 'enabled'> = {},
  ): Promise<OauthClient> {
    const { realm } = this.world
    const { version } = await realm.directory.state(OAUTH_CLIENTS, clientId)
    const made = oauthClientValue(realm, {
      clientId,
      ...(settings.isPublic === true ? {} : { clientSecret: STAGE_SECRET }),
      grantTypes: ['refresh_token', 'authorization_code'],
      scopes: ['read', 'write'],
      introspect: 'own',
      ...settings,
    })
    const value = { ...made, ...more }
    const change = { collection: OAUTH_CLIENTS, id: clientId, value, fromVersion: version }
    await commitOwn(realm, putRecord(realm, change, AUDIT))
    return value
  }

  /** Posts a form on behalf of a client; with `secret` undefined by its id alone. */
  async form(
    path: string,
    clientId: string,
    values: FormValues,
    secret: string | undefined = STAGE_SECRET,
  ): Promise<Said> {
    const by = { client_id: clientId, ...(secret === undefined ? {} : { client_secret: secret }) }
    const pairs = Object.entries<string | readonly string[]>({ ...by, ...values }).flatMap(([name, value]) =>
      [value].flat().map((one): [string, string] => [name, one]),
    )
    return this.send(path, { body: new URLSearchParams(pairs).toString() })
  }

  async send(
    path: string,
    {
      body,
      headers = {},
      query,
      from,
    }: {
      readonly body: string
      readonly headers?: SentHeaders
      readonly query?: string
      readonly from?: string
    },
  ): Promise<Said> {
    const all = { 'content-type': 'application/x-www-form-urlencoded', ...headers }
    const sent = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
    const answer = await this.dialect.handle(
      this.world.realm,
      wireRequest({
        method: 'POST',
        path: `/api/id/v1/auth/token${path}`,
        headers: Object.fromEntries(sent),
        body,
        ...(query === undefined ? {} : { query }),
        ...(from === undefined ? {} : { from }),
      }),
    )
    const text = await bodyText(answer)
    return { status: answer.status, text, body: JSON.parse(text) as Said['body'] }
  }

  refresh(clientId: string, token: string, more: FormValues = {}): Promise<Said> {
    return this.form('', clientId, { grant_type: 'refresh_token', refresh_token: token, ...more })
  }

  redeem(
    clientId: string,
    code: string,
    more: Values = {},
    secret: string | undefined = STAGE_SECRET,
  ): Promise<Said> {
    const right = { code, redirect_uri: STAGE_REDIRECT, code_verifier: STAGE_VERIFIER }
    return this.form('', clientId, { grant_type: 'authorization_code', ...right, ...more }, secret)
  }

  async isActive(clientId: string, token: string): Promise<boolean> {
    const { body } = await this.form('/introspect', clientId, { token })
    return body['active'] === true
  }

  /** A grant for a login that happened elsewhere, as tokens. */
  async grant(
    client: OauthClient,
    more: Partial<Parameters<typeof startGrant>[2]> = {},
  ): Promise<{ readonly access: string; readonly refresh: string }> {
    const { realm } = this.world
    const minting = { realm, issuer: STAGE_ISSUER, client, judgedAt: realm.position() }
    const about = { subject: 'ann', scope: 'read write', ...more }
    const started = await startGrant(minting, this.caller(), about)
    assert.ok(started?.issued.kind === 'issued')
    const { access, refresh } = started.texts
    return { access: access.raw.reveal(), refresh: refresh?.raw.reveal() ?? '' }
  }

  /** The same, as a code. */
  async code(client: OauthClient, more: Partial<Omit<CodeIntent, 'client'>> = {}): Promise<string> {
    const { realm } = this.world
    const act = { judgedAt: realm.position(), caller: this.caller() }
    const bound = { redirectUri: STAGE_REDIRECT, codeChallenge: CHALLENGE }
    const intent = { client, ...bound, subject: 'ann', scope: 'read write', ...more }
    const { issued, code } = await startCode(realm, act, intent)
    assert.equal(issued.kind, 'issued')
    return code.reveal()
  }

  append(rule: Rule): Promise<unknown> {
    const { realm } = this.world
    return commitOwn(realm, [{ kind: 'append', row: realm.row(rule, AUDIT) }])
  }

  caller(): Caller {
    const { realm } = this.world
    const facts = callerFacts({ source: 'control' }, realm.position())
    return { id: 'test', from: 'local', dependency: { realm: realm.ordinal, facts } }
  }
}

/** Runs one case on both stores. */
export function onBothStores(name: string, run: (stage: OauthStage, t: TestContext) => Promise<void>): void {
  test(`${name} (memory)`, async (t) => run(new OauthStage(await openWorld(new MemoryStore(START_MS))), t))
  test(`${name} (sqlite)`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'rescind-oauth-'))
    const store: Store = await openSqlite(join(folder, 'rescind.db'), START_MS)
    t.after(async () => {
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    })
    await run(new OauthStage(await openWorld(store)), t)
  })
}
