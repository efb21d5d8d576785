type Release = readonly [major: number, minor: number, patch: number]

/**
 * The oldest Node.js that is served with, by line: at least its newest security release when this was written. It is
 * also what `engines` says in every manifest, and `test/system/node-releases.ts` asks whether a newer one has come.
 */
export const OLDEST_OF_LINE: readonly Release[] = [
  [24, 21, 0],
  [26, 10, 0],
]

/** As `engines` has it: a newer line is taken, one between or before is not. */
export const ENGINES: string = OLDEST_OF_LINE.map(
  (release, at) => `${at === OLDEST_OF_LINE.length - 1 ? '>=' : '^'}${release.join('.')}`,
).join(' || ')

/** @param version as in `process.versions.node`. @returns why it is not taken, in one line; undefined when it is. */
export function tooOld(version: string): string | undefined {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  const newestLine = OLDEST_OF_LINE.at(-1)?.[0] ?? 0
  if (major > newestLine) return undefined
  const oldest = OLDEST_OF_LINE.find(([line]) => line === major)
  const isNewEnough =
    oldest !== undefined && (minor > oldest[1] || (minor === oldest[1] && patch >= oldest[2]))
  return isNewEnough
    ? undefined
    : `Node.js ${version} lacks security fixes that this server relies on: it needs ${ENGINES}`
}
