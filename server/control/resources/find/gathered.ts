import type { Realm } from '@rescind/authority'
import type { FindingJson, NotSearchedJson, Reading, RecognisedJson, TargetJson } from './find-json.ts'

/** The most findings of one answer, and the most other entries. */
const FINDINGS_MAX = 500
const OTHERS_MAX = 500

type Finding = Omit<FindingJson, 'realm'>

/** What a search has found so far, each thing once. */
export class Gathered {
  readonly #findings: Map<string, FindingJson> = new Map()
  readonly #recognised: Map<string, RecognisedJson> = new Map()
  readonly notSearched: NotSearchedJson[] = []
  #isFull = false

  get findings(): readonly FindingJson[] {
    return [...this.#findings.values()]
  }

  get recognised(): readonly RecognisedJson[] {
    const all = [...this.#recognised.values()]
    // What one realm does not know may be known to another one.
    const known = new Set(all.filter(({ note }) => note === undefined).map(({ as }) => as))
    return all.filter(({ as, note }) => note === undefined || !known.has(as))
  }

  /** A later finding of the same thing adds what the earlier one did not know. */
  add(realm: Realm, finding: Finding): void {
    const key = JSON.stringify([realm.name, finding.kind, finding.source, finding.id])
    const known = this.#findings.get(key)
    if (known === undefined && this.#findings.size >= FINDINGS_MAX) {
      if (!this.#isFull) this.miss({ what: 'further findings', why: `an answer has at most ${FINDINGS_MAX}` })
      this.#isFull = true
      return
    }
    this.#findings.set(key, { ...finding, ...known, realm: realm.name })
  }

  recognise(one: RecognisedJson): void {
    const key = JSON.stringify([one.as, one.endedBy, one.note])
    if (!this.#recognised.has(key) && this.#recognised.size < OTHERS_MAX) this.#recognised.set(key, one)
  }

  isRecognised(as: Reading): boolean {
    return this.recognised.some((one) => one.as === as)
  }

  miss(one: NotSearchedJson): void {
    if (this.notSearched.length < OTHERS_MAX) this.notSearched.push(one)
  }
}

/** The most sources that one rule may name. */
const SOURCES_MAX = 16

type OfRealm = { readonly realm: string; readonly target: TargetJson }

/** The targets of findings, each once. Equal names in several sources become one target, as one rule takes them. */
export function targetsOf(findings: readonly FindingJson[]): readonly OfRealm[] {
  const joined = new Map<string, { realm: string; rest: TargetJson; sources: Set<string> }>()
  for (const { realm, target } of findings) {
    if (target === undefined) continue
    const { source, ...rest } = target
    const key = JSON.stringify([realm, rest, source === undefined])
    const one = joined.get(key) ?? { realm, rest, sources: new Set<string>() }
    for (const name of [source ?? []].flat()) one.sources.add(name)
    joined.set(key, one)
  }
  return [...joined.values()].flatMap(({ realm, rest, sources }) => split(realm, rest, [...sources].sort()))
}

function split(realm: string, rest: TargetJson, sources: readonly string[]): readonly OfRealm[] {
  if (sources.length === 0) return [{ realm, target: rest }]
  const parts: OfRealm[] = []
  for (let from = 0; from < sources.length; from += SOURCES_MAX) {
    const part = sources.slice(from, from + SOURCES_MAX)
    parts.push({ realm, target: { source: part.length === 1 ? part[0] : part, ...rest } })
  }
  return parts
}
