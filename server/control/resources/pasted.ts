import { PREFIX, type Realm } from '@rescind/authority'
import { parseHandle, type TokenRecord } from '@rescind/core'
import { parseJws, RawToken } from '@rescind/core/tokens'
import { Finder } from '../../bulk/find.ts'
import { withoutInvisible } from '../../bulk/views.ts'
import { type JudgedText, judgeText } from '../../judging/judge-token.ts'
import type { KeySets } from '../../judging/key-sets.ts'
import { textRefused } from './text-refused.ts'

/** What surrounds a copied token: quotes, brackets, a scheme, or the header or parameter that carried it. */
const AROUND = new Set(' \t\r\n\u00a0"\'`<>()[]{},;')
const NAME: RegExp =
  /^(?:(?:proxy-)?authorization|[a-z-]*-token|im-authorization|[a-z_]*token)["']?\s*[:=]\s*/i
const SCHEME = /^(?:bearer|dpop|token)\s+/i
const LAYERS_MAX = 8
/** The most texts that one paste is read as. */
const READINGS_MAX = 8

export type PastedToken =
  | { readonly kind: 'judged'; readonly judged: JudgedText }
  | { readonly kind: 'none' | 'refused'; readonly why: string; readonly form?: Form }

/** What the text has the form of, although it is no token that is known here. */
type Form = 'token' | 'credential'

/**
 * Judges a token as people paste it. The exact text comes first, because an app may have chosen any text. If that is no
 * token, what copying adds is removed, as in leak lists: "no such token" for a token with `Bearer` in front would be a
 * false all-clear. A loosely spelled JWS is refused and named as one. For operators only: for verifiers the text is
 * judged as it came.
 */
export async function judgePasted(realm: Realm, keySets: KeySets, text: string): Promise<PastedToken> {
  const exact = await judgeKnown(realm, keySets, text)
  if (exact !== undefined) return { kind: 'judged', judged: exact }
  // Readers disagree about which token a loosely spelled JWS stands for (model §2.4), so it is refused.
  if (isLooseJws(text)) return { kind: 'refused', why: LOOSE_JWS, form: 'token' }
  const known = new Map<string, JudgedText>()
  for (const reading of readingsOf(realm, text)) {
    const judged = await judgeKnown(realm, keySets, reading)
    if (judged !== undefined) known.set(nameOf(judged), judged)
  }
  const [judged, another] = known.values()
  if (another !== undefined)
    return {
      kind: 'refused',
      why: 'the text holds several tokens; send it to /revocations/bulk',
      form: 'token',
    }
  if (judged !== undefined) return { kind: 'judged', judged }
  return whyNone(realm, text)
}

/** @returns undefined for text that is no token of the realm and of no registered issuer. */
async function judgeKnown(realm: Realm, keySets: KeySets, text: string): Promise<JudgedText | undefined> {
  const handle = parseHandle(text)
  if (handle !== undefined) return byRecord(realm, await realm.store.tokenByHandle(realm.ordinal, handle))
  const raw = RawToken.parse(text)
  if (raw === undefined) return undefined
  const judged = await judgeText(realm, keySets, raw)
  const { facts, respelled, unjudged } = judged
  return facts === undefined && respelled === undefined && unjudged === undefined ? undefined : judged
}

async function byRecord(realm: Realm, stored: TokenRecord | undefined): Promise<JudgedText | undefined> {
  if (stored === undefined) return undefined
  const record = await realm.whole(stored)
  return { verdict: realm.judge(record), facts: record, record }
}

function nameOf({ record, respelled, facts, unjudged }: JudgedText): string {
  const one = record ?? respelled
  return JSON.stringify(one === undefined ? [facts?.source, facts?.foreign?.jti, unjudged] : one.handle)
}

const LOOSE_JWS =
  'the text looks like a JWT with something around it or in it (white space, line breaks, quotes, padding, a name); ' +
  'give the token alone, or send it to /revocations/bulk, which reads lists of any form'

/** The scheme `Bearer` is not part of the token, so only the text after it is looked at. */
function isLooseJws(text: string): boolean {
  return RawToken.refusalOf(withoutScheme(text)) === 'not-canonical'
}

function withoutScheme(text: string): string {
  return text.replace(/^(?:authorization:\s*)?bearer\s+/i, '')
}

/** Other texts that the paste may mean, the likeliest first. */
function readingsOf({ grammar }: Realm, text: string): readonly string[] {
  const bare = bareOf(text)
  const readings = new Set([bare, bare.replaceAll(/\s+/g, '')])
  for (const one of new Finder(grammar).findInText(text)) {
    if (one.kind === 'text' && one.isGuess !== true && !one.text.includes('.')) readings.add(one.text)
    if (one.kind === 'handle') readings.add(one.handle)
  }
  readings.delete(text)
  readings.delete('')
  return [...readings].slice(0, READINGS_MAX)
}

/** The text without its surroundings. */
export function bareOf(text: string): string {
  let bare = withoutInvisible(text)
  for (let layer = 0; layer < LAYERS_MAX; layer += 1) {
    const inner = withoutAround(bare).replace(NAME, '').replace(SCHEME, '')
    if (inner === bare) break
    bare = inner
  }
  return bare
}

function withoutAround(text: string): string {
  let [from, to] = [0, text.length]
  while (from < to && AROUND.has(text[from] ?? '')) from += 1
  while (to > from && AROUND.has(text[to - 1] ?? '')) to -= 1
  return text.slice(from, to)
}

/** The name of a credential of this server that is no token. */
function credentialIn({ prefixes }: Realm['grammar'], bare: string): string | undefined {
  const words = [
    [prefixes.clientSecret, 'a client secret'],
    [PREFIX.clientSecret, 'a client secret'],
    [PREFIX.controlKey, 'a control key'],
    [PREFIX.verifierKey, 'a verifier key'],
    [PREFIX.consoleSession, 'a console session'],
  ] as const
  return words.find(([prefix]) => bare.startsWith(prefix))?.[1]
}

function whyNone({ grammar }: Realm, text: string): PastedToken {
  const bare = bareOf(text).replaceAll(/\s+/g, '')
  const credential = credentialIn(grammar, bare)
  if (credential !== undefined)
    return {
      kind: 'refused',
      why: `the text is no token: it has the form of ${credential}`,
      form: 'credential',
    }
  if (grammar.shapeOf(bare) === 'broken')
    return {
      kind: 'refused',
      why: 'the text begins like a token of this server, and its checksum is wrong: part of it is missing',
      form: 'token',
    }
  const { iss } = parseJws(withoutScheme(text))?.claims ?? {}
  if (typeof iss === 'string')
    return {
      kind: 'none',
      why: `no such token: it is a JWT that names the issuer ${JSON.stringify(iss.slice(0, ISS_MAX_CHARS))}`,
      form: 'token',
    }
  const refused = textRefused(text)
  if (refused !== undefined) return { kind: 'refused', why: refused }
  const isOurs = grammar.shapeOf(bare) === 'ours'
  return { kind: 'none', why: 'no such token', ...(isOurs ? { form: 'token' } : {}) }
}

const ISS_MAX_CHARS = 256
