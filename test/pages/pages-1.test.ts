import { testShare } from './share.ts'

testShare({ nth: 0, of: 2 })
