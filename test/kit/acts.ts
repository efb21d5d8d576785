import assert from 'node:assert/strict'
import {
  type Audit,
  type Caller,
  callerFacts,
  type Found,
  type IssueAct,
  type Issued,
  issueTokens,
  type Realm,
  type RevokeAct,
  type TokenIntent,
} from '@rescind/authority'
import type { Position, Principals, TokenRecord } from '@rescind/core'
import { RawToken } from '@rescind/core/tokens'
import { DAY_MS } from './samples.ts'

export const AUDIT: Audit = { by: 'test', from: 'local', how: 'test' }

export function rawOf(text: string): RawToken {
  const raw = RawToken.parse(text)
  assert.ok(raw !== undefined)
  return raw
}

/** A caller whose right depends on principals judged at `judgedAt`. */
export function callerAt(realm: Realm, judgedAt: Position, of: Principals = OPERATOR): Caller {
  return { id: 'test', from: 'local', dependency: { realm: realm.ordinal, facts: callerFacts(of, judgedAt) } }
}

const OPERATOR: Principals = { source: 'control', client: 'operator' }

/** An act of a caller that no rule covers. */
export function actOf(realm: Realm, over: Partial<RevokeAct> = {}): RevokeAct {
  return { caller: callerAt(realm, realm.position()), how: 'test', ...over }
}

export function intentOf(realm: Realm, text: string, over: Partial<TokenIntent> = {}): TokenIntent {
  return {
    raw: rawOf(text),
    kind: 'access',
    source: 'oauth',
    subject: 's',
    client: 'c',
    tenant: 't',
    expiresAtMs: realm.nowMs() + DAY_MS,
    ...over,
  }
}

/** Issues one token, judged now unless `judgedAt` says otherwise. */
export function tryIssue(realm: Realm, intent: TokenIntent, over: Partial<IssueAct> = {}): Promise<Issued> {
  const judgedAt = over.judgedAt ?? realm.position()
  return issueTokens(realm, { judgedAt, caller: callerAt(realm, judgedAt), tokens: [intent], ...over })
}

export async function issue(
  realm: Realm,
  text: string,
  over: Partial<TokenIntent> = {},
): Promise<TokenRecord> {
  const issued = await tryIssue(realm, intentOf(realm, text, over))
  assert.equal(issued.kind, 'issued')
  const [record] = issued.kind === 'issued' ? issued.records : []
  assert.ok(record !== undefined)
  return record
}

/** The verdict on this text: `active`, or why not. */
export async function say(realm: Realm, text: string): Promise<string> {
  const { verdict }: Found = await realm.find(rawOf(text))
  return verdict.kind === 'active' ? 'active' : verdict.why
}
