import { randomBytes } from 'node:crypto'
import { decodeSnapshot, encodeSnapshot, KEEP_FOREVER_MS, ORIGIN, RevocationIndex } from '@rescind/core'
import { checkpointText } from '@rescind/core/log'
import { Engine } from '../../verifier/engine.ts'
import { TIMERS } from '../../verifier/source/timers.ts'
import { MemorySource } from '../../verifier/testing/memory-source.ts'
import { Verifier } from '../../verifier/verifier.ts'

const KEY_BYTES = 16
const PLACE = { ordinal: 1, epochId: 'bench', chain: 'A'.repeat(43) }

/** A snapshot of an index with so many entries. */
function snapshotOf(
  entries: number,
  digestKey: string,
): { readonly bytes: Buffer; readonly encodeMs: number } {
  const index = new RevocationIndex(digestKey)
  index.adopt({ epochs: [{ ...PLACE, seq: 1 }], seq: 1, lostBelow: ORIGIN, floorMs: 0 })
  index.endedKinds.add('token')
  index.ended.beginFill(entries)
  for (let done = 0; done < entries; done += 100_000) {
    const keys = randomBytes(KEY_BYTES * Math.min(100_000, entries - done))
    for (let at = 0; at < keys.length; at += KEY_BYTES)
      index.ended.addBytes(
        keys,
        at,
        at % 3 === 0 ? KEEP_FOREVER_MS : 1_800_000_000_000 + (at % 400) * 86_400_000,
      )
  }
  index.ended.endFill()
  const startMs = performance.now()
  const bytes = encodeSnapshot(index, checkpointText({ ...PLACE, seq: 1 }, Buffer.alloc(32, 1)))
  return { bytes, encodeMs: performance.now() - startMs }
}

export type SnapshotFigures = {
  readonly entries: number
  readonly megabytes: number
  readonly encodeMs: number
  readonly loadMs: number
  readonly bytesPerEntryInMemory: number
}

export function measureSnapshot(entries: number): SnapshotFigures {
  const { bytes, encodeMs } = snapshotOf(entries, 'k'.repeat(43))
  const startMs = performance.now()
  const read = decodeSnapshot(bytes, 'k'.repeat(43))
  const loadMs = performance.now() - startMs
  const perEntry = (read?.index.ended.bytes ?? 0) / entries
  return { entries, megabytes: bytes.length / 1e6, encodeMs, loadMs, bytesPerEntryInMemory: perEntry }
}

export type CheckFigures = {
  readonly entries: number
  readonly seenNs: number
  readonly jwtNs: number
  readonly revokedNs: number
}

/** Times checks of a token that was seen before, of a long one like a JWT, and of one that was revoked unseen. */
export async function measureCheck(entries: number): Promise<CheckFigures> {
  const source = new MemorySource(() => Date.now())
  const clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() }
  const { bytes } = snapshotOf(entries, source.digestKey)
  source.snapshot = () => Promise.resolve(bytes)
  source.acknowledge = () => Promise.resolve({ position: source.position(1), floorMs: 0 })
  const timers = TIMERS
  const engine = new Engine({
    transport: source,
    clock,
    timers,
    chance: () => 0,
    boundMs: 3_600_000,
    label: '',
  })
  const verifier = new Verifier({
    engine,
    timers,
    onStale: 'allow',
    onState: undefined,
    stateFile: undefined,
  })
  verifier.start()
  while (verifier.stats().snapshots === 0) await new Promise((resolve) => setImmediate(resolve))
  const facts = {
    kind: 'access',
    source: 'oauth',
    client: 'c',
    ancestors: [],
    position: [1, 1],
    expiresAt: '2100-01-01T00:00:00Z',
  }
  const short = Array.from({ length: 1_000 }, (_, nth) => `rsa_${String(nth).padStart(36, 'x')}`)
  const long = short.map((token) => token.repeat(20))
  for (const token of [...short, ...long]) source.tokens.set(token, { verdict: { kind: 'active' }, facts })
  for (const token of [...short, ...long]) await verifier.verify(token)
  const figures = {
    seenNs: timeOf(verifier, short),
    jwtNs: timeOf(verifier, long),
    revokedNs: timeOf(verifier, unseen()),
  }
  await verifier.close()
  return { entries, ...figures }
}

function unseen(): string[] {
  return Array.from({ length: 1_000 }, (_, nth) => `rsa_${String(nth).padStart(36, 'y')}`)
}

/**
 * The best of many short rounds. Other processes run on this machine, too, and a round of a millisecond finds a gap.
 */
function timeOf(verifier: Verifier, tokens: readonly string[]): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 1_000; round += 1) {
    const startMs = performance.now()
    for (const token of tokens) verifier.check(token)
    best = Math.min(best, ((performance.now() - startMs) * 1e6) / tokens.length)
  }
  return best
}
