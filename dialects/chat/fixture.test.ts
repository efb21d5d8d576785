/** Shared by the tests of this folder; holds no test itself. */
import assert from 'node:assert/strict'
import { putRecord, type Realm, type Store } from '@rescind/authority'
import type { TokenRecord } from '@rescind/core'
import { RawToken } from '@rescind/core/tokens'
import type { Answer } from '@rescind/dialects'
import { openWorld, type World } from '../../test/kit/realm.ts'
import { bodyText, wireRequest } from '../../test/kit/request.ts'
import { type ChatAppSettings, chatAppValue } from './app-value.ts'
import { type ChatDialect, type ChatOptions, createChatDialect } from './dialect.ts'
import { CHAT_APPS } from './directory.ts'
import type { LivePort } from './live/streams.ts'

/** The API key of the seed's example. */
export const API_KEY = '2JYpYhDaQlIQlDSvVLCLLo2MPzFfVm9jYpxw2vuBrmk='
export const CLIENT_KEY = 'client-key-of-acme'
export const OTHER_API_KEY = 'api-key-of-globex'
export const OTHER_CLIENT_KEY = 'client-key-of-globex'
export const ADMIN: Readonly<Record<'IM-API-KEY', string>> = { 'IM-API-KEY': API_KEY }
export const OTHER_ADMIN: Readonly<Record<string, string>> = { 'IM-API-KEY': OTHER_API_KEY }
export const JSON_BODY: Readonly<Record<string, string>> = {
  'content-type': 'application/json; charset=utf-8',
}

export type Ask = {
  readonly method?: string
  readonly path: string
  readonly query?: string
  readonly from?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}
export type Reply = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly json: Json
}
export type Json = {
  readonly RC: number
  readonly RM: string
  readonly result: Record<string, unknown> & { readonly data: readonly Item[]; readonly token: string }
  readonly error: { readonly code: string; readonly message: string }
}
export type Item = Readonly<Record<string, unknown>> & { readonly token: string }

export type UserAsk = { readonly token: string; readonly value?: unknown }

export type ChatWorld = World & {
  readonly dialect: ChatDialect
  send(ask: Ask): Promise<Reply>
  /** With the first app's API key; the value becomes a JSON body. */
  admin(method: string, path: string, value?: unknown): Promise<Reply>
  /** With the first app's client key and a user's token. */
  user(method: string, path: string, ask: UserAsk): Promise<Reply>
  /** Runs the timer that sends signs of life. */
  beat(): void
  /** Runs the timer that reports expired tokens. */
  tellExpired(): Promise<void>
  /** Makes a client of the first app with this many minted tokens. @returns their texts, oldest first. */
  client(id: string, tokens?: number): Promise<string[]>
  recordOf(token: string): Promise<TokenRecord | undefined>
  isLive(token: string): Promise<boolean>
}

export type ChatStart = {
  /** Settings of the first app that differ from the defaults. */
  readonly app?: Partial<ChatAppSettings>
  readonly options?: Omit<ChatOptions, 'live'>
  /** Absent: the memory store. */
  readonly store?: Store
}

/** A realm with the apps `acme` and `globex`. */
export async function openChat({ app, options, store }: ChatStart = {}): Promise<ChatWorld> {
  const world = await openWorld(store)
  const { realm, realms } = world
  await addApp(realm, 'acme', [API_KEY, CLIENT_KEY], app)
  await addApp(realm, 'globex', [OTHER_API_KEY, OTHER_CLIENT_KEY])
  const { dialect, beat, tellExpired } = chatOn(realms, options)
  const send = async (ask: Ask): Promise<Reply> =>
    reply(await dialect.handle(realm, wireRequest({ method: 'GET', ...ask })))
  const admin = (method: string, path: string, value?: unknown): Promise<Reply> => {
    const headers = { ...ADMIN, ...JSON_BODY }
    return send({ method, path, headers, ...(value === undefined ? {} : { body: JSON.stringify(value) }) })
  }
  const find = async (text: string): ReturnType<ChatWorld['recordOf']> => (await found(realm, text)).record
  const client = async (id: string, tokens = 0): Promise<string[]> => {
    const texts: string[] = []
    await admin('POST', '/admin/clients', { _id: id })
    for (let at = 0; at < tokens; at += 1) {
      const made = await admin('POST', '/admin/clients', { _id: id, issueAccessToken: true })
      texts.push(made.json.result.token)
    }
    return texts
  }
  const isLive = async (text: string): Promise<boolean> =>
    (await found(realm, text)).verdict.kind === 'active'
  const user = (method: string, path: string, { token, value }: UserAsk): Promise<Reply> => {
    const headers = { 'IM-CLIENT-KEY': CLIENT_KEY, 'IM-Authorization': token, ...JSON_BODY }
    return send({ method, path, headers, ...(value === undefined ? {} : { body: JSON.stringify(value) }) })
  }
  return { ...world, dialect, send, admin, user, client, recordOf: find, isLive, beat, tellExpired }
}

export type LiveChat = Pick<ChatWorld, 'dialect' | 'beat' | 'tellExpired'>

/** The dialect, with timers that run when a test calls them. */
export function chatOn(realms: World['realms'], options: ChatStart['options'] = {}): LiveChat {
  const timers = new Map<number, () => void | Promise<void>>()
  const live: LivePort = {
    onRow: (listener) => realms.ledger.onRow(listener),
    onClosed: (listener) => realms.onClosed(listener),
    every: (ms, task) => void timers.set(ms, task),
  }
  return {
    dialect: createChatDialect({ ...options, live }),
    beat: () => void timers.get(15_000)?.(),
    tellExpired: async () => timers.get(1_000)?.(),
  }
}

export async function addApp(
  realm: Realm,
  name: string,
  [apiKey, clientKey]: [string, string],
  more: Partial<ChatAppSettings> = {},
): Promise<void> {
  const value = chatAppValue(realm, { name, apiKey, clientKey, ...more })
  const audit = { by: 'test', from: 'local', how: 'test' }
  const operations = putRecord(realm, { collection: CHAT_APPS, id: name, value, fromVersion: 0 }, audit)
  const outcome = await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  assert.equal(outcome.kind, 'applied')
}

export function tokenPath(client: string): string {
  return `/admin/clients/${encodeURIComponent(client)}/token`
}

export async function reply(answer: Answer): Promise<Reply> {
  const text = await bodyText(answer)
  return { status: answer.status, headers: answer.headers, text, json: JSON.parse(text) as Json }
}

/** Checks an error of this dialect: status = RC, never a 2xx, and exactly these members. */
export function assertError(reply: Reply, status: number, ...[code, more = []]: [string, string[]?]): void {
  assert.equal(reply.status, status, reply.text)
  assert.equal(reply.json.RC, status)
  assert.deepEqual(Object.keys(reply.json), ['RC', 'RM', 'error', ...more])
  assert.deepEqual(Object.keys(reply.json.error), ['code', 'message'])
  assert.equal(reply.json.error.code, code)
  assert.notEqual(reply.json.error.message, '')
  assert.equal(reply.headers['content-type'], 'application/json')
  assert.equal(reply.headers['cache-control'], 'no-store')
}

async function found(realm: Realm, text: string): Promise<Awaited<ReturnType<Realm['find']>>> {
  const raw = RawToken.parse(text)
  assert(raw !== undefined)
  return realm.find(raw)
}
