import type { Realm } from '@rescind/authority'
import type { WireRequest } from '../../wire/request.ts'

/** In which realm, and by which request: what limits count by. */
export type Asker = { readonly realm: Realm; readonly request: WireRequest }
