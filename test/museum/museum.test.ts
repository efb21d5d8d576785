import { showExhibits } from './exhibits.ts'

// Those whose tests need a PostgreSQL: test/system/museum.test.ts
showExhibits(import.meta.dirname)
