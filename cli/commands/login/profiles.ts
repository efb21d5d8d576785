import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import { table } from '../../frame/lines.ts'
import { readProfiles } from '../../remote/profiles.ts'

export async function run(_: Call, io: Io): Promise<ExitCode> {
  const { current, byName } = readProfiles(io.environment)
  const all = [...byName].map(([name, { url, realm }]) => ({ name, url, realm, isCurrent: name === current }))
  io.result(all, () =>
    table(
      ['profile', 'url', 'realm', ''],
      all.map(({ name, url, realm, isCurrent }) => [
        name,
        url,
        realm ?? 'default',
        isCurrent ? 'current' : '',
      ]),
      'There is no profile: rescind login makes one.',
    ),
  )
  return EXIT.done
}
