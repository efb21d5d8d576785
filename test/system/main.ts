import { runSlowPages } from '../pages/slow-pages.ts'
import { authlib, keystoneclient, libcloud, openstackCli, pkgcloud } from './clients.ts'
import { keystoneclientV3, keystonemiddleware, openstackV3 } from './clients-v3.ts'
import { eachWrite } from './each-write.ts'
import { CannotTrace, failedFlush } from './failed-flush.ts'
import { apache, caddy, haproxy, nginx } from './gateways.ts'
import { installed } from './installed.ts'
import { installPackages } from './packages.ts'
import { POOLER, pooler } from './pooler.ts'
import { POSTGRES_15 } from './postgres-15.ts'
import { standby } from './standby.ts'
import { runSuite } from './suites.ts'
import { unit } from './unit.ts'

/** Tests that need Debian packages (`npm run test:system`): installed when this runs as root, else skipped. */

/** `needs` names Debian packages; null if the check needs only npm's packages. */
type Check = {
  readonly name: string
  readonly needs: string | readonly string[] | null
  readonly run: () => Promise<string>
}

const CHECKS: readonly Check[] = [
  { name: 'keystoneclient v2.0', needs: 'python3-keystoneclient', run: keystoneclient },
  { name: 'openstack v2password', needs: 'python3-openstackclient', run: openstackCli },
  { name: 'keystoneclient v3', needs: 'python3-keystoneclient', run: keystoneclientV3 },
  { name: 'keystonemiddleware v3', needs: 'python3-keystonemiddleware', run: keystonemiddleware },
  { name: 'openstack v3', needs: 'python3-openstackclient', run: openstackV3 },
  { name: 'libcloud Identity 2.0', needs: 'python3-libcloud', run: libcloud },
  { name: 'pkgcloud v2.0 and v3', needs: null, run: pkgcloud },
  { name: 'authlib OAuth2Session', needs: 'python3-authlib', run: authlib },
  { name: 'nginx auth_request', needs: 'nginx-light', run: nginx },
  { name: 'HAProxy with Lua', needs: 'haproxy', run: haproxy },
  { name: 'Caddy forward_auth', needs: 'caddy', run: caddy },
  { name: 'Apache with mod_lua', needs: ['apache2-bin', 'lua-socket'], run: apache },
  { name: 'the tarball of the server, installed', needs: null, run: installed },
  { name: 'pages with commands that need packages', needs: null, run: runSlowPages },
  { name: 'tests that take long', needs: null, run: () => runSuite('test:long') },
  { name: 'a disk that refuses to flush', needs: 'strace', run: failedFlush },
  { name: 'a kill at each write', needs: 'strace', run: eachWrite },
  { name: 'a synchronous standby of PostgreSQL', needs: POSTGRES_15, run: standby },
  { name: 'PgBouncer in transaction mode', needs: POOLER, run: pooler },
  { name: 'the unit of systemd', needs: 'systemd', run: unit },
]

async function outcomeOf(
  { name, needs, run }: Check,
  missing: readonly string[],
): Promise<'ok' | 'skip' | 'fail'> {
  const lacking = [needs ?? []].flat().filter((one) => missing.includes(one))
  if (lacking.length > 0) {
    console.log(`skip  ${name}: ${lacking.join(' and ')} is not installed`)
    return 'skip'
  }
  const startMs = performance.now()
  try {
    const said = await run()
    console.log(`ok    ${name} (${Math.round(performance.now() - startMs)} ms): ${said}`)
    return 'ok'
  } catch (error) {
    if (error instanceof CannotTrace) {
      console.log(`skip  ${name}: ${error.message}`)
      return 'skip'
    }
    console.log(`FAIL  ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    return 'fail'
  }
}

const missing = installPackages(CHECKS.flatMap(({ needs }) => needs ?? []))
const outcomes: string[] = []
for (const check of CHECKS) outcomes.push(await outcomeOf(check, missing))
const count = (kind: string): number => outcomes.filter((outcome) => outcome === kind).length
console.log(`${count('ok')} passed, ${count('skip')} skipped, ${count('fail')} failed`)
process.exit(count('fail') === 0 ? 0 : 1)
