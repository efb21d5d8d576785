import { RawToken, type Realm } from '@rescind/core'
import { type Candidate, Finder } from '../bulk/find.ts'

/** Members of bodies and queries whose text is kept as it was given: in the log, its exports, receipts and backups. */
const FREE_TEXT = ['reason', 'note', 'description', 'name'] as const
const NOT_KEPT = '[a credential, not kept]'

/**
 * The same request without tokens in its free text: a token that was pasted into a reason would stand in the log for as
 * long as its audit is kept, for all who may read that. It is known as leak lists know it, and its handle is put in its place.
 * @param realms whose tokens are looked for. @throws StoreUnavailable when it cannot be known.
 */
export async function withoutTokens<T>(realms: readonly Realm[], value: T): Promise<T> {
  if (typeof value !== 'object' || value === null) return value
  const members = value as Readonly<Record<string, unknown>>
  const changed: Record<string, string> = {}
  for (const name of FREE_TEXT) {
    const text = members[name]
    if (typeof text !== 'string') continue
    // A name may be an id that somebody chose for a token as well: there it has to look like one.
    let kept = text
    for (const realm of realms) kept = await keptText(realm, kept, name === 'name')
    if (kept !== text) changed[name] = kept
  }
  return { ...value, ...changed }
}

/** Whether a request has any free text at all. */
export function hasFreeText(value: unknown): boolean {
  return typeof value === 'object' && value !== null && FREE_TEXT.some((name) => Object.hasOwn(value, name))
}

/** What is cut out may have hidden something: it is looked at again, and what does not come to rest is not kept. */
const PASSES_MAX = 4

async function keptText(realm: Realm, text: string, isName: boolean): Promise<string> {
  const said = new Set<string>()
  let kept = text
  for (let pass = 0; pass < PASSES_MAX; pass += 1) {
    const before = kept
    // The longest first: what stands inside another one goes with it.
    for (const one of credentialsIn(realm, before)) {
      if (isName && one.isGuess === true) continue
      const instead = await saidFor(realm, one)
      if (instead === undefined) continue
      said.add(instead)
      // In another encoding, or over several lines, it cannot be cut out; whatever else is said there goes with it.
      if (!before.includes(one.text)) return allSaid(realm, before, said)
      kept = kept.replaceAll(one.text, instead)
    }
    if (kept === before) return kept
  }
  return NOT_KEPT
}

async function allSaid(realm: Realm, text: string, said: Set<string>): Promise<string> {
  for (const one of credentialsIn(realm, text)) {
    const instead = await saidFor(realm, one)
    if (instead !== undefined) said.add(instead)
  }
  return [...said].join(', ')
}

type TextCandidate = Extract<Candidate, { readonly kind: 'text' }>

function credentialsIn(realm: Realm, text: string): readonly TextCandidate[] {
  const lines = text.split(/\r\n?|\n/).map((line) => line.trim())
  const { candidates } = new Finder(realm.grammar).findIn(text.replaceAll(/\r\n?|\n/g, ' '), lines)
  return candidates
    .filter((one): one is TextCandidate => one.kind === 'text')
    .sort((left, right) => right.text.length - left.text.length)
}

/** What stands in its place; undefined for text that is no credential. */
async function saidFor(realm: Realm, { text, isGuess }: TextCandidate): Promise<string | undefined> {
  const raw = RawToken.parse(text)
  const record = raw === undefined ? undefined : (await realm.findToEnd(raw)).record
  return record?.handle ?? (isGuess === true ? undefined : NOT_KEPT)
}
