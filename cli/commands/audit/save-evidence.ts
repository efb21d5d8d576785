import { createReadStream } from 'node:fs'
import { CommandFailed } from '../../frame/failure.ts'
import type { Client } from '../../remote/client.ts'
import { membersOf, textOf } from '../../remote/members.ts'
import { savePrivately } from '../../remote/private-download.ts'
import { responseBytes } from '../../remote/response-lines.ts'

export type Asked = {
  /** The body of the call: receipts, reason, cause, rows, since, until. */
  readonly incident: object
  readonly file: string
  /** Of the log of the store itself, instead of a realm's. */
  readonly isOfStore: boolean
}

export type Saved = {
  readonly file: string
  readonly bytes: number
  /** What the check has found, for people. */
  readonly lines: readonly string[]
  readonly isRight: boolean
  /** The RFC 7638 thumbprint of the key that it must be signed with. */
  readonly keyId: string
}

/** Has evidence made, and checks the file as `rescind audit verify` does. @throws Refused, CommandFailed. */
export async function saveEvidence(client: Client, { incident, file, isOfStore }: Asked): Promise<Saved> {
  const path = isOfStore ? '/evidence/system' : '/evidence'
  const { json: key } = await client.get(`${path}/key`, { isOfStore })
  const response = await client.stream('POST', path, { json: incident, isOfStore })
  const bytes = await savePrivately(file, responseBytes(response, client.target.url))
  // The check is the server's own code, which is large: it is loaded when there is something to check.
  const [{ checkLogFile, evidenceWords }, { wordsFor }] = await Promise.all([
    import('@rescind/server'),
    import('../store/log-sentences.ts'),
  ])
  const keyId = textOf(membersOf(key)['kid'])
  const checked = await checkLogFile(createReadStream(file), { positions: [], keyId })
  if (checked.kind !== 'evidence' && checked.kind !== 'evidence-wrong')
    throw new CommandFailed(`${file} is no evidence`, { next: 'check --url' })
  return { file, bytes, lines: evidenceWords(checked, wordsFor), isRight: checked.kind === 'evidence', keyId }
}
