export { MemoryStore } from './memory/store.ts'
export { backupSqlite, flush } from './sqlite/backup.ts'
export type { SideJoined } from './sqlite/side-join.ts'
export { type OpenSqlite, openSqlite, type SideLogged } from './sqlite/store.ts'
