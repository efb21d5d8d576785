import { BEYOND_LOGS, isHeld, isRevoked, KEEP_MARGIN_MS, Overloaded, type TokenFacts } from '@rescind/core'
import { defined, type JsonObject, type SignatureAlgorithm } from '@rescind/core/bytes'
import { SIGNATURE_ALGORITHMS } from '@rescind/core/tokens'
import { deleteRecord, putRecord } from '../directory/change.ts'
import type { Entry } from '../directory/directory.ts'
import type { Operation } from '../log/writes.ts'
import { type Audit, type Caller, callerFacts, type Realm, whoOf } from '../realm/realm.ts'
import { ruleOn } from '../realm/revoke.ts'
import { makePrivateMembers } from './private-keys.ts'
import { type ActiveKey, newKeyValue, SIGNING_KEYS, type SigningKeyValue } from './signing-keys.ts'

export type KeyChange =
  | { readonly kind: 'changed'; readonly keys: readonly SigningKeyValue[] }
  | { readonly kind: 'no-such-key' }
  /** Another caller changed the keys meanwhile: judge again. */
  | { readonly kind: 'stale' }

export type KeyAct = {
  readonly caller: Caller
  readonly why?: string
  /** See `Write.isUpkeep`. */
  readonly isUpkeep?: true
}

/** The audit of keys that the server makes on its own. */
const OWN: Audit = { by: 'server', from: 'local', how: 'signingKeys.create' }
const ATTEMPTS_MAX = 8

/** All keys of a realm, including expired ones that are not collected yet. */
export async function signingKeys(realm: Realm): Promise<readonly Entry<SigningKeyValue>[]> {
  const entries: Entry<SigningKeyValue>[] = []
  for await (const entry of realm.directory.all(SIGNING_KEYS)) entries.push(entry)
  return entries
}

/**
 * Makes sure that the realm has keys of these algorithms. A reader of the key set then knows each algorithm's first key
 * before it signs anything.
 */
export async function needKeys(realm: Realm, algorithms: readonly SignatureAlgorithm[]): Promise<void> {
  for (const algorithm of algorithms) await needActiveKey(realm, algorithm)
}

/** The published key set (RFC 7517): next, active, and old keys until everything that they signed has expired. */
export async function publishedKeys(realm: Realm): Promise<readonly JsonObject[]> {
  const nowMs = realm.nowMs()
  const entries = await signingKeys(realm)
  const isPublished = ({ state, keepUntilMs = 0 }: SigningKeyValue): boolean =>
    state === 'next' || state === 'active' || (state === 'old' && keepUntilMs > nowMs)
  // A rule may have ended a key whose record does not say so yet.
  const isEnded = (keyId: string): boolean => isRevoked(factsOfKey(keyId), realm.index)
  return entries
    .filter(({ id, value }) => isPublished(value) && !isEnded(id))
    .map(({ value }) => value.publicJwk)
}

/** The key that signs. If the realm has none of this algorithm yet, it is made together with the next one. */
export async function needActiveKey(realm: Realm, algorithm: SignatureAlgorithm): Promise<ActiveKey> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const active = await realm.keyring.active(algorithm)
    if (active !== undefined && isGood(realm, active.entry.id)) return active
    // An RSA key takes a processor for a while: concurrent requests share one new pair.
    const make = (): Promise<unknown> =>
      active === undefined ? makeFirstKeys(realm, algorithm) : replaceOver(realm, active)
    await realm.keyring.once(algorithm, make)
  }
  throw new Overloaded('the signing keys changed too often; try again')
}

/** Every rule may name a key: a revoked or held key signs nothing more. */
function isGood(realm: Realm, keyId: string): boolean {
  const facts = factsOfKey(keyId)
  return !isRevoked(facts, realm.index) && !isHeld(facts, realm.index)
}

function factsOfKey(keyId: string): TokenFacts {
  return { ...callerFacts({ source: 'signing-key' }, BEYOND_LOGS), keyId }
}

/** Lets the record follow the rule: a revoked key is replaced for good, a held one is rotated out. */
async function replaceOver(realm: Realm, { entry }: ActiveKey): Promise<void> {
  const act = ownAct(realm, 'a rule names this key')
  if (isRevoked(factsOfKey(entry.id), realm.index)) await revokeSigningKey(realm, entry.id, act)
  else await rotateOut(realm, entry, act)
}

function ownAct(realm: Realm, why: string): KeyAct {
  const facts = callerFacts({ source: 'control' }, realm.position())
  return { caller: { id: OWN.by, from: OWN.from, dependency: { realm: realm.ordinal, facts } }, why }
}

async function makeFirstKeys(realm: Realm, algorithm: SignatureAlgorithm): Promise<void> {
  const [first, second] = [await makeKey(realm, algorithm), await makeKey(realm, algorithm)]
  const active: SigningKeyValue = { ...first, state: 'active', activatedAtMs: realm.nowMs() }
  const operations = [put(realm, { value: active }, OWN), put(realm, { value: second }, OWN)].flat()
  // A conflict means that another request made the first keys, which serve as well.
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
}

/** The next key signs from now on, a new next one is published, and the former active key is kept as old. */
export async function rotateSigningKey(
  realm: Realm,
  algorithm: SignatureAlgorithm,
  act: KeyAct,
): Promise<KeyChange> {
  const { entry } = await needActiveKey(realm, algorithm)
  return rotateOut(realm, entry, act)
}

async function rotateOut(realm: Realm, active: Entry<SigningKeyValue>, act: KeyAct): Promise<KeyChange> {
  const { algorithm } = active.value
  const entries = await signingKeys(realm)
  const audit = auditOf(act, 'signingKeys.rotate')
  const nowMs = realm.nowMs()
  const { sealed: _erased, ...rest } = active.value
  const keepUntilMs = nowMs + active.value.longestLifeMs + KEEP_MARGIN_MS
  const old: SigningKeyValue = { ...rest, state: 'old', retiredAtMs: nowMs, keepUntilMs }
  const retired = put(realm, { value: old, fromVersion: active.version }, audit)
  return replace(realm, { act, retired, entries, algorithm, audit, first: [old] })
}

/**
 * Ends a key and everything that it signed in one write; it leaves the key set at once. If it was active or next, the same
 * write replaces it.
 */
export async function revokeSigningKey(realm: Realm, keyId: string, act: KeyAct): Promise<KeyChange> {
  const entries = await signingKeys(realm)
  const found = entries.find(({ id }) => id === keyId)
  if (found === undefined) return { kind: 'no-such-key' }
  const { sealed: _erased, ...rest } = found.value
  const { state, algorithm } = found.value
  if (state === 'revoked') return { kind: 'changed', keys: [found.value] }
  const nowMs = realm.nowMs()
  const audit = auditOf(act, 'signingKeys.revoke')
  const keepUntilMs = nowMs + realm.lifetimes.highestMs + KEEP_MARGIN_MS
  const revoked: SigningKeyValue = { ...rest, state: 'revoked', retiredAtMs: nowMs, keepUntilMs }
  const rule = ruleOn(realm, { kind: 'key', keyId })
  const retired: Operation[] = [
    ...put(realm, { value: revoked, fromVersion: found.version }, audit),
    { kind: 'append', row: realm.row(rule, audit) },
  ]
  if (state === 'old') return commit(realm, act, { operations: retired, keys: [revoked] })
  const left = entries.filter((entry) => entry !== found)
  return replace(realm, { act, retired, entries: left, algorithm, audit, first: [revoked] })
}

/** Rotates active keys older than this. @returns how many. */
export async function rotateDueKeys(realm: Realm, maxAgeMs: number): Promise<number> {
  let rotated = 0
  for (const algorithm of SIGNATURE_ALGORITHMS) {
    const active = await realm.keyring.active(algorithm)
    if (active === undefined) continue
    const { activatedAtMs, createdAtMs } = active.entry.value
    if (realm.nowMs() - (activatedAtMs ?? createdAtMs) < maxAgeMs) continue
    const { kind } = await rotateSigningKey(realm, algorithm, {
      ...ownAct(realm, 'its time has come'),
      isUpkeep: true,
    })
    // Another caller's change serves as well; what it left undone is done the next time.
    if (kind === 'changed') rotated += 1
  }
  return rotated
}

type Replacement = {
  readonly act: KeyAct
  readonly retired: readonly Operation[]
  readonly entries: readonly Entry<SigningKeyValue>[]
  readonly algorithm: SignatureAlgorithm
  readonly audit: Audit
  readonly first: readonly SigningKeyValue[]
}

/** Fills the roles that a retired key left empty, and deletes keys that nothing alive needs. */
async function replace(
  realm: Realm,
  { act, retired, entries, algorithm, audit, first }: Replacement,
): Promise<KeyChange> {
  const nowMs = realm.nowMs()
  const operations: Operation[] = [...retired]
  const keys: SigningKeyValue[] = [...first]
  const next = byState(entries, algorithm, 'next')
  const isActiveLeft = entries.some(
    ({ value, id }) => value.algorithm === algorithm && value.state === 'active' && id !== first[0]?.keyId,
  )
  if (!isActiveLeft) {
    const promoted: SigningKeyValue = {
      ...(next?.value ?? (await makeKey(realm, algorithm))),
      state: 'active',
      activatedAtMs: nowMs,
    }
    operations.push(...put(realm, { value: promoted, fromVersion: next?.version ?? 0 }, audit))
    keys.push(promoted)
  }
  if (!isActiveLeft || next === undefined) {
    const made = await makeKey(realm, algorithm)
    operations.push(...put(realm, { value: made }, audit))
    keys.push(made)
  }
  for (const { id, version, value } of entries) {
    const isOver = value.state === 'old' || value.state === 'revoked'
    if (isOver && (value.keepUntilMs ?? 0) <= realm.index.floorMs)
      operations.push(
        ...deleteRecord(realm, { collection: SIGNING_KEYS.name, id, fromVersion: version }, audit),
      )
  }
  return commit(realm, act, { operations, keys })
}

async function commit(
  realm: Realm,
  { caller, isUpkeep }: KeyAct,
  {
    operations,
    keys,
  }: { readonly operations: readonly Operation[]; readonly keys: readonly SigningKeyValue[] },
): Promise<KeyChange> {
  const write = { realm: realm.ordinal, dependsOn: [caller.dependency], expects: [], operations }
  const outcome = await realm.commit(isUpkeep === undefined ? write : { ...write, isUpkeep })
  return outcome.kind === 'applied' ? { kind: 'changed', keys } : { kind: 'stale' }
}

/** What a write must also carry when the token it issues outlives everything that this key has signed. */
export function coverLife(realm: Realm, { entry }: ActiveKey, lifeMs: number): readonly Operation[] {
  if (lifeMs <= entry.value.longestLifeMs) return []
  const audit: Audit = { ...OWN, how: 'signingKeys.coverLife' }
  return put(realm, { value: { ...entry.value, longestLifeMs: lifeMs }, fromVersion: entry.version }, audit)
}

async function makeKey(realm: Realm, algorithm: SignatureAlgorithm): Promise<SigningKeyValue> {
  const members = await makePrivateMembers(algorithm, realm.random)
  const of = { keys: realm.keys, realm: realm.name, random: realm.random }
  return newKeyValue(of, { members, algorithm, nowMs: realm.nowMs() })
}

function byState(
  entries: readonly Entry<SigningKeyValue>[],
  algorithm: SignatureAlgorithm,
  state: SigningKeyValue['state'],
): Entry<SigningKeyValue> | undefined {
  return entries.find(({ value }) => value.algorithm === algorithm && value.state === state)
}

type Put = { readonly value: SigningKeyValue; readonly fromVersion?: number }

function put(realm: Realm, { value, fromVersion = 0 }: Put, audit: Audit): readonly Operation[] {
  return putRecord(realm, { collection: SIGNING_KEYS, id: value.keyId, value, fromVersion }, audit)
}

function auditOf({ caller, why }: KeyAct, how: string): Audit {
  return defined({ ...whoOf(caller), how, why })
}
