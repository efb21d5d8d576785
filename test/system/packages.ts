import { spawnSync } from 'node:child_process'
import { getuid } from 'node:process'

/** Milliseconds that installing may take. */
const INSTALL_TIMEOUT_MS = 600_000

const DPKG_QUERY = '/usr/bin/dpkg-query'

/** The Debian packages among these that are not installed. */
export function missingPackages(names: readonly string[]): readonly string[] {
  return names.filter((name) => {
    const { status, stdout } = spawnSync(DPKG_QUERY, ['-W', '-f', '${db:Status-Status}', name], {
      encoding: 'utf8',
    })
    return status !== 0 || stdout !== 'installed'
  })
}

/** Installs packages quietly, if it may. @returns those that are still missing. */
export function installPackages(names: readonly string[]): readonly string[] {
  const missing = missingPackages(names)
  if (missing.length === 0 || getuid?.() !== 0) return missing
  console.log(`installing ${missing.join(' ')}`)
  if (!apt(['install', '-y', '-qq', '--no-install-recommends', ...missing])) {
    // An outdated list of packages names versions that are gone.
    apt(['update', '-qq'])
    apt(['install', '-y', '-qq', '--no-install-recommends', ...missing])
  }
  return missingPackages(names)
}

function apt(words: readonly string[]): boolean {
  const { status } = spawnSync('apt-get', words, {
    stdio: 'ignore',
    timeout: INSTALL_TIMEOUT_MS,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  return status === 0
}
