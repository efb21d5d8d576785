export { MemoryStore } from './memory/store.ts'
export type { MoveDone, MoveStep } from './move/move.ts'
export {
  backupStore,
  type FileStoreUrl,
  hasStandbys,
  migrateStore,
  type OpenedStore,
  openStore,
  parseStoreUrl,
  STORE_URL_HELP,
  type StoreUrl,
  withoutPassword,
} from './open.ts'
export { flush } from './sqlite/backup.ts'
export { refuseLeftJournal } from './sqlite/left-files.ts'
export type { SideJoined } from './sqlite/side-join.ts'
export { openSqlite, type SideLogged } from './sqlite/store.ts'
