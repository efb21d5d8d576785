import type { Realm } from '@rescind/authority'
import type { Source } from '@rescind/core'
import { displayText } from '@rescind/core/bytes'
import { RawToken } from '@rescind/core/tokens'
import { type Candidate, Finder } from '../../bulk/find.ts'

/** Members of bodies and queries whose text is stored verbatim: in the log, its exports, receipts and backups. */
const FREE_TEXT: ReadonlySet<string> = new Set(['reason', 'note', 'description', 'name', 'label'])
/**
 * Of these, members that may equal text that a user chose for a token. Here only text in the form of a token is
 * replaced.
 */
const NAMES: ReadonlySet<string> = new Set(['name', 'label'])
/**
 * Members that hold credentials, which are used and forgotten or kept as digests, and members that only a server can
 * make.
 */
const NOT_TEXT: ReadonlySet<string> = new Set(
  ['token', 'tokens', 'text', 'secret', 'clientSecret', 'apiKey', 'clientKey', 'key', 'keys', 'jwks'].concat([
    'codeChallenge',
    'position',
    'cursor',
    'handle',
    'used',
    'accepted',
    'instance',
    'after',
  ]),
)
/** Replaces text in which nothing is visible. */
const NOT_DISPLAYED = '[text that does not show]'
const NOT_KEPT = '[a credential, not kept]'

/**
 * Removes tokens from the free text of a request, because a token pasted into a reason would stay readable in the log
 * for as long as the audit is kept. Tokens are found as in leak lists and replaced by their handles. Characters that
 * disguise text are removed rather than refused, because the request may end tokens. Names with such characters are
 * refused where they are given (`isShownName`).
 * @param realms whose tokens are looked for. @throws StoreUnavailable when tokens cannot be looked up.
 */
export async function withoutTokens<T>(realms: readonly Realm[], value: T): Promise<T> {
  if (typeof value !== 'object' || value === null) return value
  const changed: Record<string, string> = {}
  for (const [name, text] of Object.entries(value)) {
    if (!FREE_TEXT.has(name) || typeof text !== 'string') continue
    let kept = text
    const reading = NAMES.has(name) ? BY_FORM : BY_ANY
    for (const realm of realms) kept = await keptText(realm, kept, reading)
    if (!NAMES.has(name)) kept = displayText(kept) || NOT_DISPLAYED
    if (kept !== text) changed[name] = kept
  }
  return { ...value, ...changed }
}

/**
 * Finds a credential in a member that is not free text: a name in a rule, an id, an address. It cannot be replaced
 * there, because the member is used for look-ups. @returns the path of the member; undefined: none.
 */
export async function credentialIn(
  realms: readonly Realm[],
  value: unknown,
  path: readonly string[] = [],
): Promise<string | undefined> {
  if (typeof value === 'string') return (await holdsCredential(realms, value)) ? path.join('.') : undefined
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, member] of Object.entries(value)) {
    if (NOT_TEXT.has(name)) continue
    if (path.length === 0 && FREE_TEXT.has(name) && typeof member === 'string') continue
    const found = await credentialIn(realms, member, [...path, name])
    if (found !== undefined) return found
  }
  return undefined
}

async function holdsCredential(realms: readonly Realm[], text: string): Promise<boolean> {
  if (text.length < CREDENTIAL_MIN_CHARS) return false
  for (const realm of realms) if ((await keptText(realm, text, BY_FORM)) !== text) return true
  return false
}

/** Every credential with a form of its own is at least this long. */
const CREDENTIAL_MIN_CHARS = 16

/**
 * Free text of a dialect without this server's credentials, this realm's signed tokens, and text that `chosenBy` itself
 * chose for a token. Text that others chose stays: replacing it would tell a caller who tries texts which of them is a
 * token.
 */
export function keptFreeText(realm: Realm, text: string, chosenBy: Source | undefined): Promise<string> {
  return keptText(realm, text, { ...BY_FORM, isOwnOnly: true, chosenBy })
}

type Reading = {
  /** Whether to look up text that only its bearer's choice makes a token. */
  readonly isGuessed: boolean
  /** Whether a foreign JWS stays in the text. */
  readonly isOwnOnly: boolean
  readonly chosenBy?: Source | undefined
}
const BY_ANY: Reading = { isGuessed: true, isOwnOnly: false }
const BY_FORM: Reading = { isGuessed: false, isOwnOnly: false }

/**
 * Removing a credential may reveal another one, so the text is read again. Text that still changes after so many passes
 * is dropped.
 */
const PASSES_MAX = 4

async function keptText(realm: Realm, text: string, reading: Reading): Promise<string> {
  const said = new Set<string>()
  let kept = text
  for (let pass = 0; pass < PASSES_MAX; pass += 1) {
    const before = kept
    // The longest first: a credential inside another one goes with it.
    for (const one of credentialsIn(realm, before, reading)) {
      const instead = await saidFor(realm, one, reading)
      if (instead === undefined) continue
      said.add(instead)
      // A token in another encoding, or over several lines, cannot be cut out, so the whole text is replaced.
      if (!before.includes(one.text)) return allSaid(realm, { text: before, said, reading })
      kept = kept.replaceAll(one.text, instead)
    }
    if (kept === before) return kept
  }
  return NOT_KEPT
}

type Saying = { readonly text: string; readonly said: Set<string>; readonly reading: Reading }

async function allSaid(realm: Realm, { text, said, reading }: Saying): Promise<string> {
  for (const one of credentialsIn(realm, text, reading)) {
    const instead = await saidFor(realm, one, reading)
    if (instead !== undefined) said.add(instead)
  }
  return [...said].join(', ')
}

type TextCandidate = Extract<Candidate, { readonly kind: 'text' }>

function credentialsIn(
  realm: Realm,
  text: string,
  { isGuessed, chosenBy }: Reading,
): readonly TextCandidate[] {
  const isLong = (guess: string): boolean =>
    guess.length >= CREDENTIAL_MIN_CHARS && (guess === text || !/\s/.test(guess))
  return new Finder(realm.grammar)
    .findInText(text)
    .filter((one): one is TextCandidate => one.kind === 'text')
    .filter((one) => one.isGuess !== true || isGuessed || (chosenBy !== undefined && isLong(one.text)))
    .sort((left, right) => right.text.length - left.text.length)
}

/** The replacement for a credential; undefined for text that is none. */
async function saidFor(
  realm: Realm,
  { text, isGuess }: TextCandidate,
  { isOwnOnly, chosenBy }: Reading,
): Promise<string | undefined> {
  const raw = RawToken.parse(text)
  const record = raw === undefined ? undefined : (await realm.findToEnd(raw)).record
  if (isGuess === true)
    return chosenBy === undefined || record?.source === chosenBy ? record?.handle : undefined
  if (record !== undefined) return record.handle
  return isOwnOnly && realm.grammar.shapeOf(text) !== 'ours' ? undefined : NOT_KEPT
}
