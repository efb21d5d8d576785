import { testShare } from './share.ts'

testShare({ nth: 1, of: 2 })
