import './packages.ts'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'

/** What publint has against a tarball. */
export async function publintMessages(tarball: Uint8Array<ArrayBuffer>): Promise<readonly unknown[]> {
  const { buffer, byteOffset, byteLength } = tarball
  const { messages } = await publint({
    pack: { tarball: buffer.slice(byteOffset, byteOffset + byteLength) },
    strict: true,
  })
  return messages
}

/** The doors of a package, each with what attw has against it; undefined for a package without types. */
export async function attwProblems(
  tarball: Uint8Array,
): Promise<Readonly<Record<string, readonly string[]>> | undefined> {
  const analysis = await checkPackage(createPackageFromTarballData(tarball))
  if (analysis.types === false) return undefined
  const told = analysis.problems.map((problem) => ({
    door: 'entrypoint' in problem ? problem.entrypoint : '',
    words: [problem.kind, ...('resolutionKind' in problem ? [problem.resolutionKind] : [])].join(' '),
  }))
  const doors = [...Object.keys(analysis.entrypoints), ...told.map(({ door }) => door)]
  return Object.fromEntries(
    doors.map((door) => [door, told.filter((one) => one.door === door).map(({ words }) => words)]),
  )
}
