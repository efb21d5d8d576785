import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { WrongUse } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { askText } from '../../frame/prompts.ts'
import { quoted } from '../../frame/token-text.ts'
import { Client, timeoutOf } from '../../remote/client.ts'
import { profilesPath, readProfiles, writeProfiles } from '../../remote/profiles.ts'
import { DEFAULT_URL, serverUrl } from '../../remote/server-url.ts'
import { keyFor } from '../../remote/target.ts'

const NAME = /^[\w.-]{1,64}$/

/** Nothing is stored before the server has accepted the key. @throws Refused, CommandFailed. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const name = call.text('profile') ?? 'default'
  if (!NAME.test(name))
    throw new WrongUse(`--profile: ${quoted(name)} is no name`, 'use letters, digits, dots and dashes')
  // What is stored has to be readable before anybody is asked for a key.
  const { byName } = readProfiles(io.environment)
  const url = serverUrl(call.text('url') ?? io.environment['RESCIND_URL'] ?? (await askedUrl(io)))
  const key = await keyFor(url, io)
  const realm = call.text('realm')
  // Any key with a role may list receipts.
  await new Client({ url, key, realm }, io, timeoutOf(call)).get('/revocations', { query: { limit: '1' } })
  const profile = { url: url.href, key, ...(realm === undefined ? {} : { realm }) }
  writeProfiles(io.environment, { current: name, byName: new Map([...byName, [name, profile]]) })
  const path = profilesPath(io.environment)
  io.result({ profile: name, url: url.href, file: path }, () => [
    `Logged in to ${url.origin} as profile "${name}". The key is in ${path}, which only you can read.`,
  ])
  return EXIT.done
}

function askedUrl(io: Io): Promise<string> | string {
  return io.canAsk ? askText(io, 'URL of the server', DEFAULT_URL) : DEFAULT_URL
}
