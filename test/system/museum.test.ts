import { join } from 'node:path'
import { postgresBinaries } from '../kit/postgres-server.ts'
import { showExhibits } from '../museum/exhibits.ts'

showExhibits(join(import.meta.dirname, '../museum/postgres'), {
  RESCIND_TEST_POSTGRES_BIN: postgresBinaries(),
})
