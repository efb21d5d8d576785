import { issuerOfSource, type Realm, tokenRule, unmappedIn } from '@rescind/authority'
import { grantId, parseHandle, type TokenRecord } from '@rescind/core'
import type { CutoffTarget, Target } from '@rescind/core/log'
import { foreignIssuer, isForeignSource } from '@rescind/core/tokens'
import { isAnswer, type Problem, problem } from '../../../http/problem.ts'
import type { Resolved } from '../../../rules/resolved.ts'
import type { Ask } from '../../frame/endpoint.ts'
import { cannotJudge, notJudged } from '../cannot-judge.ts'
import { judgePasted } from '../pasted.ts'
import { type Classified, classify } from './classify.ts'
import { pastInstant } from './instant.ts'
import type { RuleBody } from './target-schema.ts'

type Asking = Pick<Ask, 'realm' | 'parts'>

/** Finds what a request names. @returns the problem when there is no such thing, or no such rule. */
export async function resolveRule(asking: Asking, body: RuleBody): Promise<Resolved | Problem> {
  const classified = classify(body.target)
  if (classified.kind === 'refused') return problem(422, classified.why)
  const basis = basisOf(body, classified)
  if (isAnswer(basis)) return basis
  const before = issuedBeforeOf(asking.realm, body, classified)
  if (isAnswer(before)) return before
  switch (classified.kind) {
    case 'token':
      return byText(asking, classified.text)
    case 'handle':
      return byHandle(asking.realm, classified.handle)
    default:
      return bySource(asking, await withSource(asking, classified), { ...before, ...basis })
  }
}

type Dated = Pick<CutoffTarget, 'issuedBeforeMs' | 'basis'>

function issuedBeforeOf(realm: Realm, { issuedBefore }: RuleBody, { kind }: Classified): Dated | Problem {
  if (issuedBefore === undefined) return {}
  if (kind !== 'cut') return problem(422, 'issuedBefore: only for targets that are principals')
  const parsed = pastInstant({ member: 'issuedBefore', text: issuedBefore, nowMs: realm.nowMs() })
  return isAnswer(parsed) ? parsed : { issuedBeforeMs: parsed.ms }
}

function basisOf(body: RuleBody, classified: Classified): Dated | Problem {
  const given = body.basis ?? body.target.basis
  if (given === undefined) return {}
  if (body.basis !== undefined && body.target.basis !== undefined && body.basis !== body.target.basis)
    return problem(422, 'basis: given twice with different values')
  if (classified.kind !== 'cut' || !classified.sources.every(isForeignSource))
    return problem(422, 'basis: only for principals of foreign issuers')
  const { subject, client } = classified.named
  if (subject === undefined && client === undefined)
    return problem(422, 'basis: only for a subject or a client')
  return given === 'issued' ? {} : { basis: given }
}

async function byText({ realm, parts }: Asking, text: string): Promise<Resolved | Problem> {
  const pasted = await judgePasted(realm, parts.keySets, text)
  if (pasted.kind !== 'judged') return notJudged(pasted, 'target')
  const { record, respelled, facts, unjudged } = pasted.judged
  const own = record ?? respelled
  if (own !== undefined) return ofRecord(own)
  if (unjudged !== undefined) return cannotJudge(unjudged)
  if (facts?.foreign === undefined) return problem(404, 'no such token')
  const issuer = foreignIssuer(facts.source)
  return { targets: [{ kind: 'foreign', issuer, jti: facts.foreign.jti }], presented: facts }
}

async function byHandle(realm: Realm, text: string): Promise<Resolved | Problem> {
  const handle = parseHandle(text)
  if (handle === undefined) return problem(422, 'target: not a handle')
  const record = await realm.store.urgent.tokenByHandle(realm.ordinal, handle)
  return record === undefined ? problem(404, 'no such token') : ofRecord(record)
}

/** A refresh token stands for its whole grant, because its holder may have tokens made with it. */
function ofRecord(record: TokenRecord): Resolved {
  const { kind, source, grant } = record
  if (kind === 'refresh') return { targets: [{ kind: 'grant', source, grant }] }
  return { targets: [tokenRule(record).target], record }
}

type Sourced = Exclude<Classified, { readonly kind: 'token' | 'handle' }>

/** Finds the source of a grant from its first token. Grant ids are random, so requests need not name the source. */
async function withSource({ realm, parts }: Asking, classified: Sourced): Promise<Sourced> {
  if (classified.kind !== 'grant' || classified.sources.length > 0) return classified
  const first = parseHandle(classified.grant.replace(/^grt_/, 'tok_'))
  const record =
    first === undefined ? undefined : await realm.store.urgent.tokenByHandle(realm.ordinal, first)
  // The record may be gone by now. Then the source is one of those whose grants have several tokens.
  return { ...classified, sources: record === undefined ? parts.sources.withGrants : [record.source] }
}

async function bySource(asking: Asking, of: Sourced, dated: Dated): Promise<Resolved | Problem> {
  const { realm } = asking
  if (of.kind === 'cut' && of.shape === 'realm') return wholeRealm(realm, of, dated)
  if (of.kind === 'key' && !THUMBPRINT.test(of.key))
    return problem(422, 'target: key is not an RFC 7638 thumbprint')
  if (of.kind === 'key' && of.sources.length === 0) return { targets: [{ kind: 'key', keyId: of.key }] }
  const targets: Target[] = []
  let skewSeconds: number | undefined
  for (const source of of.sources) {
    const target = targetOf(of, source, dated)
    if (isAnswer(target)) return target
    const checked = isForeignSource(source) ? await foreign(realm, source, target) : await own(asking, source)
    if (isAnswer(checked)) return checked
    if (checked.skewSeconds !== undefined) skewSeconds = Math.max(skewSeconds ?? 0, checked.skewSeconds)
    targets.push(target)
  }
  return { targets, ...(of.kind === 'cut' && skewSeconds !== undefined ? { skewSeconds } : {}) }
}

function wholeRealm(
  { name }: Realm,
  { realm }: Extract<Sourced, { kind: 'cut' }>,
  dated: Dated,
): Resolved | Problem {
  if (realm !== undefined && realm !== name)
    return problem(422, 'target: names another realm than this call acts in')
  return { targets: [{ kind: 'cut', shape: 'realm', principals: { source: '' }, ...dated }] }
}

function targetOf(of: Sourced, source: string, dated: Dated): Target | Problem {
  switch (of.kind) {
    case 'cut':
      return { kind: 'cut', shape: of.shape, principals: { source, ...of.named }, ...dated }
    case 'foreign':
      if (!isForeignSource(source))
        return problem(
          422,
          'target: jti is for tokens of foreign issuers; name tokens of this server by handle',
        )
      return { kind: 'foreign', issuer: foreignIssuer(source), jti: of.jti }
    case 'grant':
      if (isForeignSource(source)) return problem(422, 'target: tokens of foreign issuers have no grant')
      return { kind: 'grant', source, grant: grantId(of.grant) }
    case 'session':
      return { kind: 'session', source, session: of.session }
    case 'key':
      return { kind: 'key', keyId: of.key }
  }
}

const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/

type Checked = { readonly skewSeconds?: number }

async function foreign(realm: Realm, source: string, target: Target): Promise<Checked | Problem> {
  const entry = await issuerOfSource(realm.directory, source)
  if (entry === undefined) return problem(422, 'target: no such issuer is registered')
  const unmapped = unmappedIn(target, entry.value.claims)
  if (unmapped !== undefined)
    return problem(
      422,
      `target: no claim of this issuer is mapped to ${unmapped}, so the rule would hit nothing`,
    )
  return { skewSeconds: entry.value.skewSeconds }
}

async function own({ realm, parts }: Asking, source: string): Promise<Checked | Problem> {
  return (await parts.sources.exist(realm, source)) ? {} : problem(422, 'target: no such source')
}
