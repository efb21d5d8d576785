import type { KnownCheckpoint } from '@rescind/authority'
import { checkLogFile } from '@rescind/server'
import type { Call } from '../../frame/call.ts'
import { CommandFailed } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { type Client, type ControlPath, openClient } from '../../remote/client.ts'
import { readProfiles } from '../../remote/profiles.ts'
import { responseBytes } from '../../remote/response-lines.ts'
import { sentenceOn } from './log-sentences.ts'

type Verified = { readonly lines: readonly string[]; readonly isRight: boolean }

/** Whether a server is named, by a flag, a variable or the profile that was logged in to last. */
export function isServerNamed(call: Call, { environment }: Io): boolean {
  const isSet = (name: string): boolean => (environment[name] ?? '') !== ''
  if (call.text('url') !== undefined || call.text('profile') !== undefined) return true
  return isSet('RESCIND_URL') || isSet('RESCIND_PROFILE') || readProfiles(environment).current !== undefined
}

/**
 * Checks the log of a server's realm as it exports it, and the log of its store if the key may read that. Nothing is kept.
 * @throws Refused, CommandFailed.
 */
export async function verifyServer(
  call: Call,
  io: Io,
  positions: readonly KnownCheckpoint[],
): Promise<Verified> {
  const client = await openClient(call, io)
  io.note(`Checking the logs of ${client.target.url.origin}.`)
  const realm = await checkedExport(client, '/audit/export', positions)
  const store = await checkedExport(client, '/audit/system/export', [])
  const all = [realm, store].filter((one) => one !== undefined)
  const left = store === undefined ? ["system: not checked: a realm's key cannot read it"] : []
  return {
    lines: [...all.flatMap(({ lines }) => lines), ...left],
    isRight: all.every(({ isRight }) => isRight),
  }
}

/** @returns undefined when the key may not read it. */
async function checkedExport(
  client: Client,
  path: ControlPath,
  positions: readonly KnownCheckpoint[],
): Promise<Verified | undefined> {
  const isOfStore = path !== '/audit/export'
  const response = await client.stream('GET', path, { isOfStore, accept: isOfStore ? [403, 404] : [] })
  if (response.status !== 200) {
    await response.body?.cancel()
    return undefined
  }
  const checked = await checkLogFile(responseBytes(response, client.target.url), {
    positions,
    keyId: undefined,
  })
  if (checked.kind === 'not-ours' || checked.kind === 'evidence' || checked.kind === 'evidence-wrong')
    throw new CommandFailed(`${client.target.url.origin} answers, but not with an export`, {
      next: 'check --url',
    })
  return { lines: [sentenceOn(checked)], isRight: checked.kind === 'right' }
}
