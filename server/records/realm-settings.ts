import {
  type Audit,
  DEFAULT_REALM_SETTINGS,
  type Entry,
  type Operation,
  putRecord,
  REALM_SETTINGS,
  REALM_SETTINGS_ID,
  type Realm,
  type RealmSettings,
  type Write,
} from '@rescind/authority'
import { defined } from '@rescind/core/bytes'

export type Known = { readonly version: number; readonly value: RealmSettings }

export async function settingsOf(realm: Realm): Promise<Known> {
  const { version, entry } = await realm.directory.state(REALM_SETTINGS, REALM_SETTINGS_ID)
  return { version, value: entry?.value ?? DEFAULT_REALM_SETTINGS }
}

/** A rule on more live tokens than this needs a second person; undefined: no rule does. */
export async function approvalLimitOf(realm: Realm): Promise<number | undefined> {
  const entry: Entry<RealmSettings> | undefined = await realm.directory.get(REALM_SETTINGS, REALM_SETTINGS_ID)
  return entry?.value.approvalAboveTokens
}

export type SettingsChange = {
  readonly maxLifetimeSeconds?: number | null | undefined
  readonly approvalAboveTokens?: number | null | undefined
}

/** The settings after a change; members that the change does not name stay. */
export function withChange(now: RealmSettings, body: SettingsChange): RealmSettings {
  const lifetime = lifetimeWith(now, body)
  const { approvalAboveTokens: limit = now.approvalAboveTokens } = body
  return defined({
    ...lifetime,
    highestLifetimeSeconds: Math.max(now.highestLifetimeSeconds, lifetime.maxLifetimeSeconds),
    approvalAboveTokens: limit ?? undefined,
  })
}

type Lifetime = Pick<RealmSettings, 'maxLifetimeSeconds' | 'boundsAssigned'>

function lifetimeWith(now: RealmSettings, { maxLifetimeSeconds: asked }: SettingsChange): Lifetime {
  if (asked === null) return { maxLifetimeSeconds: DEFAULT_REALM_SETTINGS.maxLifetimeSeconds }
  if (asked !== undefined) return { maxLifetimeSeconds: asked, boundsAssigned: true }
  const { maxLifetimeSeconds, boundsAssigned } = now
  return defined({ maxLifetimeSeconds, boundsAssigned })
}

export type PutSettings = { readonly known: Known; readonly next: RealmSettings; readonly audit: Audit }

export function putSettings(realm: Realm, { known, next, audit }: PutSettings): readonly Operation[] {
  const put = { collection: REALM_SETTINGS, id: REALM_SETTINGS_ID, value: next, fromVersion: known.version }
  return putRecord(realm, put, audit)
}

/** The settings that a second person agreed to, for the write of the approval. */
export async function approvedSettings(
  realm: Realm,
  approvalAboveTokens: number | null,
): Promise<(audit: Audit) => Pick<Write, 'operations' | 'expects'>> {
  const known = await settingsOf(realm)
  const next = withChange(known.value, { approvalAboveTokens })
  return (audit) => ({ operations: putSettings(realm, { known, next, audit }), expects: [] })
}
