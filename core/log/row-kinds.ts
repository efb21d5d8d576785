import type { ByteReader, ByteWriter } from '../bytes/bytes.ts'
import { ContractBroken } from '../faults.ts'
import { storedKeepMs } from '../lifetimes.ts'
import { ORIGIN, type Position } from '../position.ts'
import type { LogRow, Rule, Target } from './rules.ts'
import { decodeTarget, encodeTarget } from './target-bytes.ts'

export type RowKind = Rule['kind']
type RuleOf<K extends RowKind> = Extract<Rule, { readonly kind: K }>

/** What readers of the log must know about a kind of rows. */
export type RowKindTraits<R extends Rule = Rule> = {
  /** As stored, chained and sent. Never change it, and never give it to another kind. */
  readonly code: number
  /** What such a row says, for the manual. */
  readonly what: string
  /** What becomes of it when the log is trimmed, in words. */
  readonly onTrim: string
  /** Writes what follows the version byte. */
  encode(out: ByteWriter, rule: R, digestKey: string): void
  decode(from: ByteReader): R
  /** The target that it ends or suspends. Such a row goes first, and makes writes that depend on the target stale. */
  hits(rule: R): Target | undefined
  /** Everything issued before this position is lost; ORIGIN: nothing. */
  lostBelow(rule: R): Position
  /** Whether it can change a verdict; if so, earlier verdicts are judged again. */
  readonly turnsVerdicts: boolean
  /** A restore carries it over from a side log even when the two do not fit: ending too much is safer than too little. */
  readonly isSalvaged: boolean
  /** The hold that it places. While the hold is in force, its row and all later ones stay in the log. */
  holdOf(rule: R): string | undefined
  /** Once its row is trimmed, its rule is kept beside the log until the floor passes this time; 0: it is not kept. */
  keptUntilMs(rule: R): number
  /** Per collection one row is kept beside the log for good, so that an export knows every collection. */
  collectionOf(rule: R): string | undefined
}

const none = (): undefined => undefined
const goes = (): number => 0
const nothing = (): Position => ORIGIN

/**
 * The only table of log row kinds. The bytes, trimming, salvage, staleness and everything else that must not miss a fact
 * derive from it, so a kind without an entry does not compile.
 */
export const ROW_KINDS: { readonly [K in RowKind]: RowKindTraits<RuleOf<K>> } = {
  revoke: {
    code: 1,
    what: 'ends an exact target, or everything below a cutoff',
    onTrim: 'its rule is kept beside the log until nothing that it hits can be alive',
    encode: (out, { keepUntilMs, target }, digestKey) =>
      encodeTarget(out.f64(keepUntilMs), target, digestKey),
    decode: (from) => ({
      kind: 'revoke',
      keepUntilMs: storedKeepMs(from.f64()),
      target: decodeTarget(from),
    }),
    hits: ({ target }) => target,
    lostBelow: nothing,
    turnsVerdicts: true,
    isSalvaged: true,
    holdOf: none,
    keptUntilMs: ({ keepUntilMs }) => keepUntilMs,
    collectionOf: none,
  },
  hold: {
    code: 2,
    what: 'suspends a target until it is released',
    onTrim: 'while the hold is in force, the log is not trimmed past its row',
    encode: (out, { id, target }, digestKey) => encodeTarget(out.text(id), target, digestKey),
    decode: (from) => ({ kind: 'hold', id: from.text(), target: decodeTarget(from) }),
    hits: ({ target }) => target,
    lostBelow: nothing,
    turnsVerdicts: true,
    isSalvaged: true,
    holdOf: ({ id }) => id,
    keptUntilMs: goes,
    collectionOf: none,
  },
  release: {
    code: 3,
    what: 'lifts a hold',
    onTrim: 'removed',
    encode: (out, { id }) => out.text(id),
    decode: (from) => ({ kind: 'release', id: from.text() }),
    hits: none,
    lostBelow: nothing,
    turnsVerdicts: true,
    isSalvaged: true,
    holdOf: none,
    keptUntilMs: goes,
    collectionOf: none,
  },
  change: {
    code: 4,
    what: 'a record of the directory was put or deleted: collection, id and version',
    onTrim:
      'one row of each collection is kept, so that an export knows the collections; the rest are removed',
    encode: (out, { collection, id, version }) => out.text(collection).text(id).f64(version),
    decode: (from) => ({ kind: 'change', collection: from.text(), id: from.text(), version: from.f64() }),
    hits: none,
    lostBelow: nothing,
    turnsVerdicts: false,
    isSalvaged: false,
    holdOf: none,
    keptUntilMs: goes,
    collectionOf: ({ collection }) => collection,
  },
  epoch: {
    code: 5,
    what: 'begins an epoch; says which tokens of earlier ones are lost',
    onTrim: 'kept for good',
    encode: (out, { ordinal, epochId, lostBelow }) => out.u32(ordinal).text(epochId).f64(lostBelow),
    decode: (from) => ({
      kind: 'epoch',
      ordinal: from.u32(),
      epochId: from.text(),
      lostBelow: from.f64() as Position,
    }),
    hits: none,
    lostBelow: ({ lostBelow }) => lostBelow,
    turnsVerdicts: true,
    isSalvaged: false,
    holdOf: none,
    keptUntilMs: () => Number.POSITIVE_INFINITY,
    collectionOf: none,
  },
}

/** In the order of the table. */
export const ROW_KIND_NAMES: readonly RowKind[] = Object.keys(ROW_KINDS).filter(isRowKind)

export function isRowKind(name: string): name is RowKind {
  return Object.hasOwn(ROW_KINDS, name)
}

export function traitsOf(rule: Rule): RowKindTraits {
  return ROW_KINDS[rule.kind]
}

const BY_CODE: readonly (RowKind | undefined)[] = ROW_KIND_NAMES.reduce<(RowKind | undefined)[]>(
  (all, kind) => {
    all[ROW_KINDS[kind].code] = kind
    return all
  },
  [],
)

/** @returns undefined for an unknown code. */
export function rowKindOfCode(code: number): RowKind | undefined {
  return BY_CODE[code]
}

/**
 * The kind of a stored row. @throws ContractBroken for an unknown code: its effect cannot be known, so a reader must stop
 * there and never skip it.
 */
export function rowKindOf({ kind }: Pick<LogRow, 'kind'>): RowKind {
  const name = BY_CODE[kind]
  if (name === undefined) throw new ContractBroken(`a log row of an unknown kind (${kind})`)
  return name
}
