import type { Realm } from '@rescind/authority'
import type { WireRequest } from '../../wire/request.ts'

/** The realm and request that rate limits count by. */
export type Asker = { readonly realm: Realm; readonly request: WireRequest }
