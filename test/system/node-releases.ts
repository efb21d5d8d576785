/** Checks whether Node.js has had a security release since `engines` was written; part of `.ci/run`. */
import { OLDEST_OF_LINE, tooOld } from '../../cli/node-release.ts'

const RELEASES = 'https://nodejs.org/dist/index.json'
const TIMEOUT_MS = 15_000

export type NodeRelease = { readonly version: string; readonly security: boolean }

/**
 * The security releases that are newer than `engines` demands. If there are any, `engines` must be raised to the
 * newest.
 */
export function newerThanDemanded(
  releases: readonly NodeRelease[],
  demanded: readonly string[],
): readonly string[] {
  return releases
    .filter(({ security }) => security)
    .map(({ version }) => version.replace(/^v/, ''))
    .filter((version) => demanded.some((oldest) => isNewerOfLine(version, oldest)))
}

function isNewerOfLine(version: string, oldest: string): boolean {
  const [one, other] = [version, oldest].map((text) => text.split('.').map(Number))
  if (one?.[0] !== other?.[0]) return false
  return compare(one ?? [], other ?? []) > 0
}

function compare(one: readonly number[], other: readonly number[]): number {
  const at = one.findIndex((part, index) => part !== other[index])
  return at < 0 ? 0 : (one[at] ?? 0) - (other[at] ?? 0)
}

async function main(): Promise<void> {
  const running = tooOld(process.versions.node)
  if (running !== undefined) throw new Error(running)
  const releases = await fetch(RELEASES, { signal: AbortSignal.timeout(TIMEOUT_MS) }).then(
    async (answer) => (await answer.json()) as readonly NodeRelease[],
    () => undefined,
  )
  if (releases === undefined) {
    process.stdout.write(
      `${RELEASES} cannot be reached: whether Node.js had a security release is not known\n`,
    )
    return
  }
  const newer = newerThanDemanded(
    releases,
    OLDEST_OF_LINE.map((release) => release.join('.')),
  )
  if (newer.length > 0)
    throw new Error(`raise cli/node-release.ts and engines: security releases ${newer.join(', ')}`)
}

if (import.meta.main) await main()
