import { encodeSnapshot, type FeedEvent, ORIGIN, RevocationIndex } from '@rescind/core'
import { sha256 } from '@rescind/core/bytes'
import {
  type ChainedLogRow,
  type Checkpoint,
  chainAfter,
  checkpointText,
  encodeRule,
  type Rule,
  readCheckpoint,
  traitsOf,
} from '@rescind/core/log'
import type {
  AckAnswer,
  AckAsk,
  AskAnswer,
  FeedConfig,
  StreamAsk,
  StreamListener,
  Transport,
} from '../source/transport.ts'
import { SourceFailed } from '../source/trouble.ts'

const DIGEST_KEY = 'test-source-digest-key-of-forty-three-chars'
const CHECKPOINT_KEY = Buffer.alloc(32, 1)
/** Acknowledgements that are kept for tests to look at. */
const ACKED_MAX = 100
const NO_AUDIT = sha256(Buffer.alloc(0))

/** A server in memory with its own log, which can fail like a real one when a test says so. */
export class MemorySource implements Transport {
  index: RevocationIndex = new RevocationIndex(DIGEST_KEY)
  rows: ChainedLogRow[] = []
  /** `down`: everything is refused. `silent`: nothing is answered or sent, as behind a cut cable. */
  mode: 'up' | 'down' | 'silent' = 'up'
  /** Whether acknowledgements are answered although the stream is silent. */
  streamStalls = false
  keys: FeedConfig['keys'] = []
  issuers: FeedConfig['issuers'] = []
  acks = 0
  /** The acknowledgements as they arrived. */
  readonly acked: AckAsk[] = []
  /** As its `hello` says. */
  acceptedMax: number | undefined = 1_000
  /** Acknowledgements that arrive, and whose answers are lost. */
  lostAnswers = 0
  asked = 0
  /** Answers by token text; other texts are unknown. */
  readonly tokens: Map<string, AskAnswer> = new Map()
  readonly #wallMs: () => number
  readonly #streams: Set<StreamListener> = new Set()
  readonly #muted: (() => void)[] = []

  constructor(wallMs: () => number) {
    this.#wallMs = wallMs
    this.append({ kind: 'epoch', ordinal: 1, epochId: 'test-epoch-1', lostBelow: ORIGIN })
  }

  get digestKey(): string {
    return DIGEST_KEY
  }

  get streams(): number {
    return this.#streams.size
  }

  /** Commits rules, and sends them on the streams. */
  append(...rules: readonly Rule[]): void {
    const prev = this.rows.length
    for (const rule of rules) {
      const row = {
        seq: this.rows.length + 1,
        atMs: this.#wallMs(),
        kind: traitsOf(rule).code,
        rule: encodeRule(rule, DIGEST_KEY),
        auditHash: NO_AUDIT,
      }
      const chain = chainAfter(this.rows.at(-1)?.chain ?? Buffer.alloc(32), row)
      this.rows.push({ ...row, chain })
      this.index.fold(row)
    }
    if (this.mode !== 'up' || this.streamStalls) return
    const event = this.event(prev, this.rows.length)
    for (const listener of [...this.#streams]) listener.rows(event)
  }

  event(prev: number, seq: number): FeedEvent {
    return { prev, position: this.position(seq), rows: this.rows.slice(prev, seq) }
  }

  position(seq: number = this.rows.length): string {
    return checkpointText(this.#checkpoint(seq), CHECKPOINT_KEY)
  }

  /** Sends an event that no honest server would send on every stream. */
  inject(event: FeedEvent): void {
    for (const listener of [...this.#streams]) listener.rows(event)
  }

  /** Breaks off every stream, and fails all waiting calls. */
  breakOff(failure?: SourceFailed): void {
    for (const listener of [...this.#streams]) {
      this.#streams.delete(listener)
      listener.ended(failure)
    }
    for (const fail of this.#muted.splice(0)) fail()
  }

  config(): Promise<FeedConfig> {
    const { keys, issuers } = this
    const text = JSON.stringify({ digestKey: DIGEST_KEY, floor: 0, keys: [], issuers: [] })
    return this.#answer(() => ({ digestKey: DIGEST_KEY, floorMs: this.index.floorMs, keys, issuers, text }))
  }

  snapshot(): Promise<Uint8Array> {
    return this.#answer(() => encodeSnapshot(this.index, this.position()))
  }

  stream(ask: StreamAsk, listener: StreamListener): () => void {
    queueMicrotask(() => this.#opened(ask, listener))
    return () => {
      if (this.#streams.delete(listener)) listener.ended(undefined)
    }
  }

  acknowledge(ask: AckAsk): Promise<AckAnswer> {
    this.acks += 1
    if (this.mode === 'up') this.acked.push(ask)
    if (this.acked.length > ACKED_MAX) this.acked.shift()
    if (this.lostAnswers > 0) {
      this.lostAnswers -= 1
      return Promise.reject(new SourceFailed('the connection broke off'))
    }
    return this.#answer(() => ({ position: this.position(), floorMs: this.index.floorMs }))
  }

  ask(token: string): Promise<AskAnswer> {
    this.asked += 1
    return this.#answer(
      () => this.tokens.get(token) ?? { verdict: { kind: 'inactive', why: 'unknown' }, facts: undefined },
    )
  }

  close(): void {
    this.#streams.clear()
  }

  #opened(ask: StreamAsk, listener: StreamListener): void {
    if (this.mode === 'silent') return
    if (this.mode === 'down') {
      listener.ended(new SourceFailed('the server is down'))
      return
    }
    this.#streams.add(listener)
    const instance = ask.instance ?? 'ins_of_a_test'
    const { acceptedMax } = this
    listener.hello({
      ...{ instance, position: this.position(), floorMs: this.index.floorMs, ackEveryMs: 0 },
      acceptedMax,
    })
    if (!this.#streams.has(listener)) return
    const after = readCheckpoint(ask.after)
    const own = after === undefined ? undefined : this.rows[after.seq - 1]
    if (
      after === undefined ||
      own === undefined ||
      Buffer.from(own.chain).toString('base64url') !== after.chain
    ) {
      this.#streams.delete(listener)
      listener.reset('position')
      return
    }
    if (after.seq < this.rows.length && !this.streamStalls)
      listener.rows(this.event(after.seq, this.rows.length))
  }

  #answer<T>(make: () => T): Promise<T> {
    if (this.mode === 'up') return Promise.resolve().then(make)
    if (this.mode === 'down') return Promise.reject(new SourceFailed('the server is down'))
    return new Promise((_, reject) =>
      this.#muted.push(() => reject(new SourceFailed('the connection broke off'))),
    )
  }

  #checkpoint(seq: number): Checkpoint {
    const epoch = this.index.epochs.findLast((one) => one.seq <= seq)
    const chain = Buffer.from(this.rows[seq - 1]?.chain ?? Buffer.alloc(32)).toString('base64url')
    return { ordinal: epoch?.ordinal ?? 0, epochId: epoch?.epochId ?? '', seq, chain }
  }
}
