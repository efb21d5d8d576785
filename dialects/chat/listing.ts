import { SCAN_RETRY_SECONDS, type Scans } from '../wire/scans.ts'
import { appKey } from './bounds.ts'
import type { AdminAct } from './call.ts'
import { tooMany } from './envelope.ts'

/** Runs a call that reads many records, if the app, the realm and the process have room for it. */
export function listing(scans: Scans, act: AdminAct): AdminAct {
  return async (realm, ask) => {
    const share = { realm: realm.name, key: `chat/${appKey(realm, ask.admin.app.name)}` }
    return (await scans.run(share, () => act(realm, ask))) ?? BUSY
  }
}

const BUSY = tooMany(SCAN_RETRY_SECONDS, 'Too many listings are under way.')
