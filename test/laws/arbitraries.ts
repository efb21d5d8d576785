import {
  grantId,
  LAST_INSTANT_MS,
  type Position,
  type Principals,
  position,
  tokenDigest,
} from '@rescind/core'
import { CUTOFF_SHAPES, type CutoffTarget, type Rule, type Target } from '@rescind/core/log'
import fc from 'fast-check'
import { handleFromBytes } from '../../core/ids.ts'
import { NOW_MS } from '../kit/samples.ts'

/** Well-formed text of any characters, including NUL. */
const text: fc.Arbitrary<string> = fc.string({ unit: 'binary', maxLength: 12 })
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined })
/** Plain objects, which `deepEqual` accepts as equal to decoded ones. */
function record<T>(members: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(members, { noNullPrototype: true })
}

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })
const handle = bytes(16).map(handleFromBytes)
const digest = bytes(32).map((raw) => tokenDigest(Buffer.from(raw).toString('base64url')))

const anyPosition: fc.Arbitrary<Position> = fc
  .tuple(fc.nat(8_191), fc.maxSafeNat())
  .map(([ordinal, seq]) => position(ordinal, seq % 2 ** 40))

/** Any instant that a rule can name: whole milliseconds, including far ones. */
const anyMs: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 1, max: LAST_INSTANT_MS }),
  fc.nat().map((ms) => ms + 1),
  fc.constantFrom(1, NOW_MS, LAST_INSTANT_MS),
)

const principals: fc.Arbitrary<Principals> = record({
  source: text,
  subject: maybe(text),
  client: maybe(text),
  tenant: maybe(text),
}).map(({ source, subject, client, tenant }) => ({
  source,
  ...(subject === undefined ? {} : { subject }),
  ...(client === undefined ? {} : { client }),
  ...(tenant === undefined ? {} : { tenant }),
}))

const cutoff: fc.Arbitrary<CutoffTarget> = record({
  shape: fc.constantFrom(...CUTOFF_SHAPES),
  principals,
  issuedBeforeMs: maybe(anyMs),
  basis: maybe(fc.constant('authenticated' as const)),
  asOf: maybe(record({ at: anyPosition, atMs: anyMs })),
}).map(({ shape, principals: of, issuedBeforeMs, basis, asOf }) => ({
  kind: 'cut',
  shape,
  principals: of,
  ...(issuedBeforeMs === undefined ? {} : { issuedBeforeMs }),
  ...(basis === undefined ? {} : { basis }),
  ...(asOf === undefined ? {} : { asOf }),
}))

const anyTarget: fc.Arbitrary<Target> = fc.oneof(
  record({ kind: fc.constant('token' as const), source: text, digest, handle }),
  record({ kind: fc.constant('foreign' as const), issuer: text, jti: text }),
  record({ kind: fc.constant('grant' as const), source: text, grant: text.map(grantId) }),
  record({ kind: fc.constant('session' as const), source: text, session: text }),
  record({ kind: fc.constant('key' as const), keyId: text }),
  cutoff,
)

export const anyRule: fc.Arbitrary<Rule> = fc.oneof(
  {
    weight: 3,
    arbitrary: record({ kind: fc.constant('revoke' as const), target: anyTarget, keepUntilMs: anyMs }),
  },
  { weight: 2, arbitrary: record({ kind: fc.constant('hold' as const), id: text, target: anyTarget }) },
  record({ kind: fc.constant('release' as const), id: text }),
  record({ kind: fc.constant('change' as const), collection: text, id: text, version: fc.maxSafeNat() }),
  record({
    kind: fc.constant('epoch' as const),
    ordinal: fc.nat(8_191),
    epochId: text,
    lostBelow: anyPosition,
  }),
)
