import type { Realm, Realms } from '@rescind/authority'
import type { Dialect, PasswordCheck, Scans } from '@rescind/dialects'
import type { Logger } from 'pino'
import type { DialectSecrets } from '../bulk/secrets.ts'
import type { SettingTable, SettingValues } from '../config/setting.ts'
import type { Endpoint } from '../control/frame/endpoint.ts'
import type { RequestLines } from '../http/request-lines.ts'
import type { KeySets } from '../judging/key-sets.ts'
import type { FindPeople } from '../records/people.ts'
import type { SourceOwner } from '../rules/sources.ts'
import type { SeedPart } from '../seed/parts.ts'

/**
 * All that makes a wire dialect part of a server. The server's list of modules (`server/compose/modules.ts`) is the
 * only place that knows which dialects there are.
 */
export type DialectModule = SourceOwner & {
  readonly name: string
  /** Its name in prose. */
  readonly title: string
  /** Its path prefixes in each realm, a whole first segment each. `/` covers only itself. */
  readonly paths: readonly string[]
  readonly mount: (parts: MountParts, settings: never) => Mounted
  readonly seed?: SeedPart
  /** Secrets that a leak list is searched for, besides tokens. */
  readonly secrets?: DialectSecrets
  /** Finds the people and programs that it has records of. */
  readonly people?: FindPeople
  /** Endpoints of the control API. */
  readonly resources?: readonly Endpoint[]
  readonly settings: SettingTable
}

/** What the server provides to a dialect. */
export type MountParts = {
  readonly realms: Realms
  readonly log: Logger
  /** Log lines that requests cause. */
  readonly lines: RequestLines
  /** Bounds reads of many records for the whole process. */
  readonly scans: Scans
  readonly passwords: PasswordCheck
  /** Keys of registered issuers. */
  readonly keySets: KeySets
  /** Whether URLs that apps name may lead into our own network. */
  readonly allowInternalFetch: boolean
  /** A realm's base URL. */
  readonly baseOf: (realm: Realm) => string
}

export type Mounted = {
  readonly dialect: Dialect
  /** Called once the server listens, to warn the operator. */
  readonly onListening?: () => void | Promise<void>
  /** Called when the server stops, before it waits for requests in flight. */
  readonly close?: () => void
}

/** A module whose `mount` is typed by the values of its settings. */
export function dialectModule<Table extends SettingTable>(
  module: Omit<DialectModule, 'mount' | 'settings'> & {
    readonly settings: Table
    readonly mount: (parts: MountParts, settings: SettingValues<Table>) => Mounted
  },
): DialectModule {
  return module
}
