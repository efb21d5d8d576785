import { join } from 'node:path'
import { checkExhibits, showExhibits } from './exhibits.ts'

showExhibits(import.meta.dirname)
// Their tests need a PostgreSQL: test/system/museum.test.ts
checkExhibits(join(import.meta.dirname, 'postgres'))
