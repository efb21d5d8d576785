import {
  DEFAULT_REALM,
  isOutage,
  NotReadable,
  parseRealmName,
  type RealmName,
  type RealmOrdinal,
  RealmOutOfOrder,
  realmOrdinal,
  StoreRefused,
  StoreUnavailable,
  SYSTEM_REALM,
} from '@rescind/core'
import { putRecord } from '../directory/change.ts'
import { STRANGE } from '../directory/stored-json.ts'
import { Ledger } from '../log/ledger.ts'
import { faultAdvice, logFault } from '../log/log-faults.ts'
import type { Nodes } from '../nodes/nodes.ts'
import type { Store } from '../ports.ts'
import { commitOwn } from './commit-own.ts'
import { adviceOn, Disorder, GONE } from './disorder.ts'
import { beginFirstEpoch } from './first-epoch.ts'
import { FollowedRealms } from './followed-realms.ts'
import { MasterKeys, type RealmsAct } from './master-keys.ts'
import { type Audit, Realm } from './realm.ts'
import { type MasterKey, makeRealmKeys, opensKeys, unwrapRealmKeys, wrapRealmKeys } from './realm-keys.ts'
import {
  type Dormant,
  REALMS,
  REALMS_MAX,
  type RealmValue,
  type RealmView,
  readRealmValue,
  realmRecords,
  SYSTEM_ORDINAL,
  viewOf,
} from './realm-record.ts'
import { REALM_SETTINGS, REALM_SETTINGS_ID } from './realm-settings.ts'
import { changeState, endAllClosed, type RealmState } from './realm-state.ts'
import type { RealmsParts } from './realms-parts.ts'
import { loadGrammar } from './token-prefixes.ts'

const DEFAULT_ORDINAL = realmOrdinal(1)
const FOUNDING: Audit = { by: 'server', from: 'local', how: 'store.create' }

/** Rows of a log that say nothing about tokens: the one of the first epoch. */
const DORMANT_ROWS_MAX = 1
const KEY_REPLACED = 'another node has changed the master key, and the new one is not here: copy its key file'

/** All realms of a store. `system` holds the realms' records and the control keys, and has no dialects. */
export class Realms {
  readonly ledger: Ledger
  /** What cannot be read in the store. */
  readonly disorder: Disorder
  readonly masters: MasterKeys
  readonly #parts: Omit<RealmsParts, 'master'>
  readonly #open: Map<string, Realm> = new Map()
  readonly #openByOrdinal: Map<RealmOrdinal, Realm> = new Map()
  #hasStarted = false
  readonly #opening: Map<RealmName, Promise<Realm>> = new Map()
  readonly #dormant: Map<string, Dormant> = new Map()
  /** Realms that this process has tried to create, without knowing what became of it. */
  readonly #creating: Set<string> = new Set()
  readonly #followed: FollowedRealms

  private constructor(parts: RealmsParts, floorMs: number) {
    this.#parts = parts
    this.masters = new MasterKeys(parts.store, parts.master)
    this.ledger = new Ledger(parts.store, floorMs, parts)
    parts.nodes?.begin(this.ledger)
    this.disorder = new Disorder(parts.onUnreadable ?? (() => {}))
    this.#followed = new FollowedRealms({
      ledger: this.ledger,
      openOf: (ordinal) => this.#openByOrdinal.get(ordinal),
      openNamed: (name) => this.#open.get(name),
      read: (name) => this.#readAgain(name),
      stirred: (ordinal, seq) => this.#stirred(ordinal, seq),
    })
  }

  /**
   * Opens the realms of a store, or creates `system` and `default` in a new one.
   * @throws StoreRefused when the store was made with another master key, or the system realm cannot be read.
   */
  static async open(parts: RealmsParts): Promise<Realms> {
    const { store } = parts
    const realms = new Realms(parts, await store.floor())
    const record = await store.record(SYSTEM_ORDINAL, REALMS.name, SYSTEM_REALM)
    if (record?.body === undefined) {
      if (!(await Realms.isNew(store)))
        throw new StoreRefused(`the realm ${SYSTEM_REALM}: ${GONE}; restore a backup`)
      await realms.#found()
      if (store.isShared) {
        realms.#followed.begin()
        // What others have made and changed since.
        for await (const { id, body } of realmRecords(store)) await realms.#openIfReadable(id, body)
        realms.#followed.again(DEFAULT_REALM)
      }
      realms.#hasStarted = true
      return realms
    }
    const value = readRealmValue(record.body)
    if (value === undefined) throw new StoreRefused(`the realm ${SYSTEM_REALM}: ${STRANGE}`)
    const { ordinal } = await realms.#openOne(SYSTEM_REALM, value)
    const unreadable = realms.ledger.suspension(ordinal)
    if (unreadable !== undefined) throw new StoreRefused(`the realm ${SYSTEM_REALM}: ${unreadable.advice}`)
    if (store.isShared) realms.#followed.begin()
    for await (const { id, body } of realmRecords(store)) await realms.#openIfReadable(id, body)
    // The first start may have ended between creating its two realms.
    if ((await store.record(SYSTEM_ORDINAL, REALMS.name, DEFAULT_REALM)) === undefined) {
      if (value.nextOrdinal === DEFAULT_ORDINAL) await realms.create(DEFAULT_REALM, FOUNDING)
      else realms.#note(DEFAULT_REALM, 'realm', GONE)
    }
    if (await realms.masters.isReplaced()) throw new StoreRefused(KEY_REPLACED)
    realms.#hasStarted = true
    return realms
  }

  /** Whether this store holds no realms yet. One that does opens only with its own master key. */
  static async isNew(store: Store): Promise<boolean> {
    if ((await store.record(SYSTEM_ORDINAL, REALMS.name, SYSTEM_REALM)) !== undefined) return false
    // Its first row is written before its record. With more rows there was a record, and it must not be replaced.
    return (await store.head(SYSTEM_ORDINAL)).seq <= DORMANT_ROWS_MAX
  }

  /** The processes of a shared store. */
  get nodes(): Nodes | undefined {
    return this.#parts.nodes
  }

  get system(): Realm {
    return this.#mustBeOpen(SYSTEM_REALM)
  }

  /**
   * `system`, to judge a key by its records. On a shared store nothing else drops what was remembered of these.
   * @throws RealmOutOfOrder when its log cannot be followed: another process may have revoked the key.
   */
  get systemForKeys(): Realm {
    const suspension = this.#parts.store.isShared ? this.ledger.suspension(SYSTEM_ORDINAL) : undefined
    if (suspension !== undefined) throw new RealmOutOfOrder(suspension.advice)
    return this.system
  }

  get default(): Realm {
    return this.#mustBeOpen(DEFAULT_REALM)
  }

  /** Why this realm answers nothing, and what to do; undefined: it is served, or does not exist. */
  whyNot(name: string): string | undefined {
    const realm = this.#open.get(name)
    if (realm !== undefined) return this.whyNotIn(realm)
    const found = this.disorder.ofRealm(name)
    return found === undefined ? undefined : adviceOn(found)
  }

  /** The realm that a path names, if it is open. Hot paths try this first, then `served`. */
  ready(name: string | undefined): Realm | undefined {
    const isThere = name === undefined || this.isServed(name)
    const realm = isThere ? this.#open.get(name ?? DEFAULT_REALM) : undefined
    if (realm === undefined || this.#followed.has(realm.name)) return undefined
    return this.whyNotIn(realm) === undefined ? realm : undefined
  }

  /** The realm that a path names, else `default`. @throws RealmOutOfOrder; StoreUnavailable when it cannot be opened now. */
  async served(name: string | undefined): Promise<Realm | undefined> {
    const realm = await this.get(name ?? DEFAULT_REALM)
    const why = this.whyNot(name ?? DEFAULT_REALM)
    if (why !== undefined) throw new RealmOutOfOrder(why)
    return realm
  }

  whyNotIn({ ordinal }: Realm): string | undefined {
    const suspension = this.ledger.suspension(ordinal)
    return suspension?.kind === 'unreadable' ? suspension.advice : undefined
  }

  /** Called when another process has closed a realm: its streams end. */
  onClosed(listener: (realm: Realm) => void): void {
    this.#followed.onClosed(listener)
  }

  /** Resolves once this realm is as other processes have left it. @throws StoreUnavailable. */
  settled(name: string): Promise<void> {
    return this.#followed.settled(name)
  }

  /** A served realm by name, never `system`. Opens it if necessary. */
  async get(name: string): Promise<Realm | undefined> {
    await this.settled(name)
    if (!this.isServed(name)) return undefined
    const open = this.#open.get(name)
    if (open !== undefined) return open
    const woken = await this.#wake(name)
    await this.settled(name)
    return woken.isClosed ? undefined : woken
  }

  /** Whether `get` finds one; opens none. */
  isServed(name: string): boolean {
    if (name === SYSTEM_REALM) return false
    return (this.#open.get(name) ?? this.#dormant.get(name))?.isClosed === false
  }

  /** Whether a realm of this name exists or existed, served or not. */
  isKnown(name: string): boolean {
    return this.#open.has(name) || this.#dormant.has(name)
  }

  /** The open realms. Others have nothing to keep, collect, count or report. */
  all(): readonly Realm[] {
    return [...this.#open.values()]
  }

  /** The realms that are not open: nothing was ever written in them. */
  dormant(): readonly Dormant[] {
    return [...this.#dormant.values()]
  }

  /** Opens the realm with this number if necessary. @returns undefined when that is not possible now. */
  async ofOrdinal(ordinal: RealmOrdinal): Promise<Realm | undefined> {
    const open = this.#openByOrdinal.get(ordinal)
    if (open !== undefined) return open
    const found = this.dormant().find((one) => one.ordinal === ordinal)
    if (found === undefined) return undefined
    try {
      return await this.#wake(found.name)
    } catch (error) {
      if (!isOutage(error)) throw error
      return undefined
    }
  }

  /** As `make`, and opens it. */
  async create(name: string, audit: Audit): Promise<Realm> {
    await this.make(name, audit)
    return this.#open.get(name) ?? this.#wake(name)
  }

  /**
   * Creates a realm; its first request opens it.
   * @throws StoreRefused for an invalid or taken name, StoreUnavailable when it could not be created.
   */
  async make(name: string, audit: Audit): Promise<void> {
    const { store } = this.#parts
    const valid = parseRealmName(name)
    if (valid === undefined || valid === SYSTEM_REALM) throw new StoreRefused(`"${name}" cannot name a realm`)
    if (this.disorder.ofRealm(valid) !== undefined) throw new StoreRefused(`realm ${name} is out of order`)
    await this.masters.settle()
    await this.settled(valid)
    const { system } = this
    const creating = this.#creating
    const own = await system.directory.state(REALMS, SYSTEM_REALM)
    const state = await system.directory.state(REALMS, valid)
    // An earlier call may have created it without learning so.
    if (state.entry !== undefined && (creating.has(valid) || !(store.isShared || this.isKnown(valid)))) {
      creating.delete(valid)
      this.#lie(valid, state.entry.value)
      return
    }
    if (own.entry === undefined || state.entry !== undefined) throw new StoreRefused(`realm ${name} exists`)
    const ordinal = own.entry.value.nextOrdinal ?? DEFAULT_ORDINAL + 1
    if (ordinal > REALMS_MAX) throw new StoreRefused(`a store holds at most ${REALMS_MAX} realms`)
    // A damaged count must not give the new realm another one's log.
    if ((await store.head(realmOrdinal(ordinal))).seq > 0)
      throw new StoreRefused(`the stored count of realms is wrong: number ${ordinal} is taken`)
    const value = this.#valueFor(valid, ordinal)
    const counted = { ...own.entry.value, nextOrdinal: ordinal + 1 }
    creating.add(valid)
    const outcome = await system.commit({
      realm: SYSTEM_ORDINAL,
      dependsOn: [],
      expects: [],
      operations: [
        ...putRecord(system, { collection: REALMS, id: valid, value, fromVersion: state.version }, audit),
        ...putRecord(
          system,
          { collection: REALMS, id: SYSTEM_REALM, value: counted, fromVersion: own.version },
          audit,
        ),
      ],
    })
    creating.delete(valid)
    if (outcome.kind !== 'applied')
      throw new StoreUnavailable(`realm ${name} could not be created now; try again`)
    this.#lie(valid, value)
  }

  /** Realms that were not deleted, by name. */
  async list(): Promise<readonly RealmView[]> {
    const views: RealmView[] = []
    for await (const entry of this.system.directory.all(REALMS)) {
      const view = viewOf(entry)
      if (view !== undefined) views.push(view)
    }
    return views
  }

  async view(name: string): Promise<RealmView | undefined> {
    const entry = await this.system.directory.get(REALMS, name)
    return entry === undefined ? undefined : viewOf(entry)
  }

  /** A realm that may also be disabled, for reading its contents. */
  async known(name: string): Promise<Realm | undefined> {
    await this.settled(name)
    return (await this.view(name)) === undefined ? undefined : this.#known(name)
  }

  /** See `changeState`. @returns undefined when there is no such realm. */
  async setState(name: string, state: RealmState, act: RealmsAct): Promise<'done' | 'stale' | undefined> {
    const { entry } = await this.system.directory.state(REALMS, name)
    const realm = await this.#known(name)
    if (entry === undefined || realm === undefined) return undefined
    if (viewOf(entry) === undefined) {
      // The process that deleted it may have ended before it cut off what was issued in it.
      const isAgain = state === 'deleted' && entry.value.state === 'deleted'
      if (isAgain && this.#parts.store.isShared) await endAllClosed({ realm, act })
      return undefined
    }
    return changeState(this.system, { realm, entry, state, act })
  }

  /** See `MasterKeys.rewrap`. @throws RealmOutOfOrder, StoreUnavailable. */
  async rewrap(master: MasterKey, act: RealmsAct): Promise<'done' | 'stale'> {
    await this.masters.settle()
    // An unreadable realm's keys would stay wrapped with the old master key, which is then discarded.
    const broken = this.disorder.all.find(({ what }) => what === 'realm')
    if (broken !== undefined) throw new RealmOutOfOrder(`the realm ${broken.realm}: ${adviceOn(broken)}`)
    return this.masters.rewrap(this.system, { ...act, master, random: this.#parts.random })
  }

  /** A store's first start: creates the system realm's record, the default realm, and each log's first epoch. */
  async #found(): Promise<void> {
    const value: RealmValue = {
      ...this.#valueFor(SYSTEM_REALM, SYSTEM_ORDINAL),
      nextOrdinal: DEFAULT_ORDINAL,
    }
    const system = await this.#openOne(SYSTEM_REALM, value)
    const put = { collection: REALMS, id: SYSTEM_REALM, value, fromVersion: 0 }
    await commitOwn(system, putRecord(system, put, FOUNDING))
    await this.create(DEFAULT_REALM, FOUNDING)
  }

  async #known(name: string): Promise<Realm | undefined> {
    return this.#open.get(name) ?? (this.#dormant.has(name) ? this.#wake(name) : undefined)
  }

  #lie(name: RealmName, { ordinal, state }: RealmValue): void {
    const lying = { name, ordinal: realmOrdinal(ordinal), isClosed: state !== undefined }
    this.#dormant.set(name, lying)
    this.#stirred(lying.ordinal, this.ledger.movedTo(lying.ordinal))
  }

  /** @throws RealmOutOfOrder when its record cannot be read, StoreUnavailable. */
  #wake(name: string): Promise<Realm> {
    return this.#once(name as RealmName, async () => {
      // Read it again: its keys may have been wrapped with another master key since.
      const value = await this.#readNow(name)
      if (value !== undefined) return this.#openAnew(name as RealmName, value)
      throw new RealmOutOfOrder(this.whyNot(name) ?? STRANGE)
    })
  }

  #valueFor(name: RealmName, ordinal: number): RealmValue {
    const { random, clock } = this.#parts
    const wrapping = { realm: name, master: this.masters.current, random }
    const wrappedKeys = wrapRealmKeys(makeRealmKeys(random), wrapping)
    return { ordinal, wrappedKeys, createdAtMs: clock.wallMs() }
  }

  /** Opens it once, even for concurrent requests: two realms over one log would each miss the other's rows. */
  #openOne(name: RealmName, value: RealmValue): Promise<Realm> {
    return this.#once(name, () => this.#openAnew(name, value))
  }

  #once(name: RealmName, open: () => Promise<Realm>): Promise<Realm> {
    const known = this.#opening.get(name)
    if (known !== undefined) return known
    const opening = open().finally(() => this.#opening.delete(name))
    this.#opening.set(name, opening)
    return opening
  }

  async #openAnew(name: RealmName, value: RealmValue): Promise<Realm> {
    const { store, clock, random, quota, freeText, minting } = this.#parts
    const keys = unwrapRealmKeys(value.wrappedKeys, name, this.masters.of(name, value))
    const ordinal: RealmOrdinal = realmOrdinal(value.ordinal)
    const [index, fault] = await Promise.all([
      this.ledger.openRealm(ordinal, keys.digestKey),
      logFault(store, ordinal, keys.sealKey),
    ])
    if (fault !== undefined) {
      const why = faultAdvice(fault)
      if (!this.#hasStarted) throw new StoreRefused(`the realm ${name}: ${why}`)
      // This realm was opened while others are served, so only it is put out of order.
      this.ledger.putOutOfOrder(ordinal, why)
      this.#note(name, 'log', why)
    }
    const realm = new Realm({
      ...{ name, ordinal, keys, index, ledger: this.ledger, store, clock, random, quota },
      ...{ disorder: this.disorder, freeText, minting },
      settling: () => (this.#followed.has(name) ? this.settled(name) : undefined),
    })
    if (index.seq === 0 && this.whyNotIn(realm) === undefined) await beginFirstEpoch(realm)
    const { seq } = index
    await this.#settle(realm)
    realm.setClosed(value.state !== undefined)
    this.#open.set(name, realm)
    this.#openByOrdinal.set(ordinal, realm)
    this.#dormant.delete(name)
    // A row that was folded meanwhile was about no open realm, and may be about what was just read.
    if (store.isShared && index.seq !== seq) this.#followed.again(name)
    return realm
  }

  /** Another process has written to a dormant realm: there may be something to keep, collect, count or report. */
  #stirred(ordinal: RealmOrdinal, seq: number): void {
    const found = seq > DORMANT_ROWS_MAX ? this.dormant().find((one) => one.ordinal === ordinal) : undefined
    if (found !== undefined) void this.ofOrdinal(found.ordinal)
  }

  async #readAgain(name: string): Promise<Realm | undefined> {
    const value = await this.#readNow(name)
    const realm = this.#open.get(name) ?? (await this.#opening.get(name as RealmName))
    if (value === undefined) {
      if (realm !== undefined) this.ledger.putOutOfOrder(realm.ordinal, `its record: ${STRANGE}`)
      return undefined
    }
    if (realm === undefined) this.#lie(name as RealmName, value)
    else {
      await this.#settle(realm)
      realm.setClosed(value.state !== undefined)
    }
    return realm
  }

  /** Loads lifetimes and prefixes. A realm that cannot read them is put out of order rather than served by guesses. */
  async #settle(realm: Realm): Promise<void> {
    try {
      const settings = await realm.directory.get(REALM_SETTINGS, REALM_SETTINGS_ID)
      if (settings !== undefined) realm.lifetimes.settle(settings.value)
      await loadGrammar(realm)
    } catch (error) {
      if (!(error instanceof NotReadable)) throw error
      this.ledger.putOutOfOrder(realm.ordinal, error.message)
    }
  }

  /** Opens a realm, or leaves it dormant. If its record cannot be read or its keys do not open, that is noted instead. */
  async #openIfReadable(name: string, body: string | undefined): Promise<void> {
    if (name === SYSTEM_REALM || body === undefined) return
    // Another process has changed it since its record was read here, and that was followed.
    if (this.isKnown(name) || this.#opening.has(name as RealmName)) return
    const value = this.#readable(name, body)
    if (value === undefined) return
    if (name !== DEFAULT_REALM && (await this.#mayLie(value))) this.#lie(name as RealmName, value)
    else await this.#openOne(name as RealmName, value)
  }

  #note(realm: string, what: 'realm' | 'log', why: string): void {
    this.disorder.note({ realm, what, name: `realms/${realm}`, why })
  }

  /** As `#readable`, of the record as it is in the store now. @throws StoreUnavailable. */
  async #readNow(name: string): Promise<RealmValue | undefined> {
    const record = await this.#parts.store.record(SYSTEM_ORDINAL, REALMS.name, name)
    const value = this.#readable(name, record?.body)
    if (value === undefined && (await this.masters.isReplaced())) this.#parts.mustEnd?.(KEY_REPLACED)
    return value
  }

  /** A realm's value if its record can be read and its keys open; otherwise the problem is noted. */
  #readable(name: string, body: string | undefined): RealmValue | undefined {
    const value = body === undefined ? undefined : readRealmValue(body)
    const why = value === undefined ? STRANGE : this.#whyNoKeys(name as RealmName, value)
    if (why === undefined) return value
    this.#note(name, 'realm', why)
    return undefined
  }

  /** Whether a realm may stay dormant: with at most its first row it has no rule, hold, record or token, and nothing pending. */
  async #mayLie({ ordinal }: RealmValue): Promise<boolean> {
    if (this.#parts.lazily !== true) return false
    const { seq } = await this.#parts.store.head(realmOrdinal(ordinal))
    return seq <= DORMANT_ROWS_MAX
  }

  #whyNoKeys(name: RealmName, value: RealmValue): string | undefined {
    const master = this.masters.of(name, value)
    return opensKeys(value.wrappedKeys, name, master) ? undefined : 'its keys do not open with the master key'
  }

  #mustBeOpen(name: RealmName): Realm {
    const realm = this.#open.get(name)
    if (realm === undefined) throw new StoreRefused(`the store has no realm ${name}`)
    return realm
  }
}
