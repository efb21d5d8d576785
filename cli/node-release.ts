type Release = readonly [major: number, minor: number, patch: number]

/**
 * The oldest supported Node.js of each line: at least its newest security release when this was written. `engines` in every
 * manifest says the same, and `test/system/node-releases.ts` checks whether a newer one has come.
 */
export const OLDEST_OF_LINE: readonly Release[] = [
  [24, 21, 0],
  [26, 10, 0],
]

/** As in `engines`: newer lines are accepted, lines between or before are not. */
export const ENGINES: string = OLDEST_OF_LINE.map(
  (release, at) => `${at === OLDEST_OF_LINE.length - 1 ? '>=' : '^'}${release.join('.')}`,
).join(' || ')

/** @param version as in `process.versions.node`. @returns why it is refused, in one line; undefined when it is accepted. */
export function tooOld(version: string): string | undefined {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  const newestLine = OLDEST_OF_LINE.at(-1)?.[0] ?? 0
  if (major > newestLine) return undefined
  const oldest = OLDEST_OF_LINE.find(([line]) => line === major)
  const isNewEnough =
    oldest !== undefined && (minor > oldest[1] || (minor === oldest[1] && patch >= oldest[2]))
  return isNewEnough
    ? undefined
    : `Node.js ${version} lacks security fixes that this server relies on: install Node.js ${ENGINES}`
}
