export { MemoryStore } from './memory/store.ts'
export { openSqlite } from './sqlite/store.ts'
