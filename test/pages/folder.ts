import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url))

/** Where a page runs. */
export type Folder = {
  /** Looks like a clone whose packages are installed. */
  readonly clone: string
  readonly scratch: string
  readonly environment: Readonly<Record<string, string>>
  /** The page's text with free ports in the place of the printed ones. */
  readonly free: (text: string) => string
  readonly remove: () => void
}

/** Not in a fresh clone. `docs` is copied instead of linked, for the ports in its files. */
const LEFT_OUT = ['rescind-data', 'coverage', 'docs', '.git']

/**
 * `npm ci` has been done: the packages of this clone are linked. Everything else that a page says to npm, npm does,
 * without a network, but for changing what is linked.
 */
function npmScript(npm: string): string {
  return `#!/bin/sh
[ "$*" = ci ] && exit 0
case "$1" in
  install | i | add | update | uninstall)
    if [ "$('${npm}' prefix)" = "$PAGE_CLONE" ]; then
      echo "a page that is run changes no packages of the clone" >&2
      exit 1
    fi ;;
esac
exec '${npm}' "$@"
`
}

export async function makeFolder(page: string): Promise<Folder> {
  const root = mkdtempSync(join(tmpdir(), 'rescind-page-'))
  const [clone, scratch, home, bin] = ['clone', 'scratch', 'home', 'bin'].map((name) => join(root, name)) as [
    string,
    string,
    string,
    string,
  ]
  for (const folder of [clone, scratch, home, bin]) mkdirSync(folder)
  const free = await freePortsFor(page)
  for (const name of readdirSync(ROOT))
    if (!LEFT_OUT.includes(name)) symlinkSync(join(ROOT, name), join(clone, name))
  copyTexts(join(ROOT, 'docs'), join(clone, 'docs'), free)
  writeFileSync(join(bin, 'npm'), npmScript(programPath('npm')), { mode: 0o755 })
  return {
    clone,
    scratch,
    free,
    environment: { ...environmentOf(home, bin), ...listenOf(page, free), PAGE_CLONE: clone },
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

/** Where this machine has its programs, without what npm adds for those of packages. */
const PATH: readonly string[] = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((one) => !one.includes('node_modules'))

/** Programs that pages use without saying that they need a package. */
const ASSUMED = ['bash', 'npm', 'curl', 'openssl', 'jq']

/** @throws when a program is missing that pages take for granted. */
export function requirePrograms(): void {
  for (const name of ASSUMED) programPath(name)
}

function programPath(name: string): string {
  const found = PATH.map((folder) => join(folder, name)).find((path) => existsSync(path))
  if (found !== undefined) return found
  throw new Error(`pages use ${name}, which is not installed; as root: apt-get install -y ${name}`)
}

/** Nothing of this process but its programs. */
function environmentOf(home: string, bin: string): Readonly<Record<string, string>> {
  // Nobody listens there: a page reaches this machine alone.
  const nowhere = 'http://127.0.0.1:9'
  return {
    PATH: [bin, dirname(process.execPath), ...PATH].join(delimiter),
    HOME: home,
    TMPDIR: home,
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    http_proxy: nowhere,
    https_proxy: nowhere,
    no_proxy: '127.0.0.1,localhost',
    npm_config_offline: 'true',
    npm_config_update_notifier: 'false',
  }
}

const DEFAULT_PORT = '8080'
const ADDRESS = /(?:127\.0\.0\.1|0\.0\.0\.0|localhost|\[::1?\]):(\d{4,5})\b/g

/** A flag of the page's outranks the environment; what a configuration file of it says would not. */
function listenOf(page: string, free: (text: string) => string): Readonly<Record<string, string>> {
  return page.includes('"listen"') ? {} : { RESCIND_LISTEN: `127.0.0.1:${free(DEFAULT_PORT)}` }
}

async function freePortsFor(page: string): Promise<(text: string) => string> {
  const printed = new Set([DEFAULT_PORT, ...[...page.matchAll(ADDRESS)].map(([, port = '']) => port)])
  const ports = await freePorts(printed.size)
  const instead = new Map([...printed].map((port, at) => [port, String(ports[at])]))
  const any = new RegExp(`(?<![\\d.])(?:${[...printed].join('|')})(?![\\d.]*\\d)`, 'g')
  return (text) => text.replaceAll(any, (port) => instead.get(port) ?? port)
}

/** All at once, so that they are different ones. */
async function freePorts(count: number): Promise<readonly number[]> {
  const probes = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(probes.map((probe) => once(probe, 'listening')))
  const ports = probes.map((probe) => {
    const address = probe.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  })
  for (const probe of probes) probe.close()
  return ports
}

function copyTexts(from: string, to: string, changed: (text: string) => string): void {
  mkdirSync(to)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) copyTexts(source, target, changed)
    else writeFileSync(target, changed(readFileSync(source, 'utf8')))
  }
}
