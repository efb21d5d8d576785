import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Line, ModelNode, ModelStore, ModelVerifier } from '../kit/nodes/instances-world.ts'

const BOUND_MS = 1_000
const END_MS = 12_000
const RUNS = 400
const SEED = 20_261_130

type Act = {
  readonly atMs: number
  readonly kind: 'ask' | 'apply' | 'revoke' | 'read' | 'restart'
  readonly node: number
  readonly verifier: number
  readonly delaysMs: readonly number[]
  /** After so many delays its answer is lost. */
  readonly lost: boolean
}
type Scenario = {
  readonly nodeRates: readonly number[]
  readonly verifierRates: readonly number[]
  readonly acts: readonly Act[]
}
type Told = { readonly verifier: ModelVerifier; readonly seq: number; readonly state: string }

const rate = fc.constantFrom(0.99, 1, 1.01)
const someMs = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 0, max: 5 }) },
  fc.integer({ min: 0, max: 1_500 }),
)
const scenario: fc.Arbitrary<Scenario> = fc.record({
  nodeRates: fc.array(rate, { minLength: 2, maxLength: 3 }),
  verifierRates: fc.array(rate, { minLength: 1, maxLength: 2 }),
  acts: fc.array(
    fc.record({
      atMs: fc.integer({ min: 0, max: END_MS - 4_000 }),
      kind: fc.constantFrom('ask', 'ask', 'ask', 'apply', 'revoke', 'read', 'read', 'restart'),
      ...{ node: fc.nat(2), verifier: fc.nat(1) },
      delaysMs: fc.array(someMs, { minLength: 4, maxLength: 8 }),
      lost: fc.boolean(),
    }),
    { minLength: 10, maxLength: 60 },
  ),
})

/** Plays it. @returns what nodes have said of verifiers, and what verifiers accepted in spite of it. */
function play({ nodeRates, verifierRates, acts }: Scenario): {
  told: readonly Told[]
  accepted: readonly Told[]
} {
  const line = new Line()
  const store = new ModelStore()
  const told: Told[] = []
  const accepted: Told[] = []
  const verifiers = verifierRates.map((one, nth) => new ModelVerifier(line, one, contact(`v${nth}`)))
  let started = 0
  const started1 = (own: number): ModelNode => {
    started += 1
    const node = new ModelNode(`n${started}`, own, { line, store })
    for (const verifier of verifiers) node.instances.recall(verifier.contact, 0)
    return node
  }
  const nodes = nodeRates.map(started1)
  const tell = (node: ModelNode, head: number): void => {
    for (let seq = 1; seq <= head; seq += 1)
      for (const { instance, state } of node.instances.enforcement(seq)) {
        const verifier = verifiers.find((one) => one.contact.instance === instance)
        if (verifier !== undefined && state !== 'pending') told.push({ verifier, seq, state })
      }
  }
  const act = ({ kind, node: at, verifier: of, delaysMs, lost }: Act): void => {
    let nth = 0
    const delays = (): number => delaysMs[nth++ % delaysMs.length] ?? 0
    const place = at % nodes.length
    const node = nodes[place] as ModelNode
    const verifier = verifiers[of % verifiers.length] as ModelVerifier
    if (kind === 'ask') ask({ line, node, verifier, delays, lost })
    else if (kind === 'apply') verifier.applied = store.head
    else if (kind === 'revoke') store.head += 1
    else if (kind === 'read') node.read(delays, (head) => tell(node, head))
    else {
      node.leave()
      nodes[place] = started1(nodeRates[place] ?? 1)
    }
  }
  for (const one of acts) line.after(one.atMs, () => act(one))
  // Each node looks at the end, when all that is ever proved has run out.
  line.after(END_MS, () =>
    nodes.forEach((node) =>
      node.read(
        () => 1,
        (head) => tell(node, head),
      ),
    ),
  )
  line.after(END_MS + 3 * BOUND_MS, () =>
    nodes.forEach((node) =>
      node.read(
        () => 1,
        (head) => tell(node, head),
      ),
    ),
  )
  line.run(() => accepted.push(...told.filter(({ verifier, seq }) => verifier.accepts(seq))))
  return { told, accepted }
}

type Asking = {
  readonly line: Line
  readonly node: ModelNode
  readonly verifier: ModelVerifier
  readonly delays: () => number
  readonly lost: boolean
}

function ask({ line, node, verifier, delays, lost }: Asking): void {
  const { nowMs, applied: seq, contact: of } = verifier
  line.after(delays(), () => {
    if (!node.isThere) return
    node.instances.acknowledge(of.instance, { seq, position: `${seq}` })
    node.beat(delays, (head) => {
      if (!lost) line.after(delays(), () => verifier.proved(nowMs, head))
    })
  })
}

function contact(instance: string) {
  const about = { verifier: 'v', boundMs: BOUND_MS, onStale: 'refuse' as const }
  return { instance, ...about, contactMs: 0, firstSeq: 0 }
}

test('a verifier that counts as applied or lapsed at any node accepts nothing that the row has ended', () => {
  let lapsed = 0
  fc.assert(
    fc.property(scenario, (drawn) => {
      const { told, accepted } = play(drawn)
      lapsed += told.filter(({ state }) => state === 'lapsed').length
      assert.deepEqual(
        accepted.map(({ seq, state }) => [seq, state]),
        [],
      )
    }),
    { numRuns: RUNS, seed: SEED },
  )
  assert.ok(lapsed > RUNS, 'some have lapsed')
})

const AT_ONCE: Omit<Act, 'atMs' | 'kind'> = { node: 0, verifier: 0, delaysMs: [0], lost: false }
const reads = (everyMs: number, endMs: number): readonly Act[] =>
  Array.from({ length: endMs / everyMs }, (_, nth) => {
    return { ...AT_ONCE, atMs: nth * everyMs, kind: 'read', node: 1 }
  })

test('a verifier has lapsed when its bound has passed by the slowest clock that it may have', () => {
  const asked: readonly Act[] = [
    { ...AT_ONCE, atMs: 1, kind: 'ask' },
    { ...AT_ONCE, atMs: 3, kind: 'revoke' },
  ]
  const acts = [...asked, ...reads(2, 1_300)]
  const { told, accepted } = play({ nodeRates: [1, 1.01], verifierRates: [0.99], acts })
  assert.deepEqual(accepted, [])
  assert.deepEqual([...new Set(told.map(({ state }) => state))], ['lapsed'])
})

test('a reading that began before the row says nothing about who has lapsed', () => {
  const asked: readonly Act[] = [
    { ...AT_ONCE, atMs: 0, kind: 'ask' },
    { ...AT_ONCE, atMs: 10, kind: 'read', node: 1 },
    { ...AT_ONCE, atMs: 2_000, kind: 'read', node: 1, delaysMs: [0, 20] },
    { ...AT_ONCE, atMs: 2_005, kind: 'ask' },
    { ...AT_ONCE, atMs: 2_010, kind: 'revoke' },
  ]
  assert.deepEqual(play({ nodeRates: [1, 1], verifierRates: [1], acts: asked }).accepted, [])
})
