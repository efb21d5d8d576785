import { CommandFailed } from '../../frame/failure.ts'
import { quoted } from '../../frame/token-text.ts'
import type { Client } from '../../remote/client.ts'
import type { Named } from './paths.ts'
import { isRecord } from './record-lines.ts'

export type Read = {
  readonly json: unknown
  /** The version that a change is based on; undefined for a kind without versions. */
  readonly etag: string | undefined
}

/** One record, or a single one such as settings. @throws CommandFailed when there is none. */
export async function readRecord(client: Client, named: Named): Promise<Read> {
  const found = await findRecord(client, named)
  if (found !== undefined) return found
  throw new CommandFailed(`${named.resource.name}: there is no ${quoted(named.id ?? '')}`, {
    next: `see: rescind get ${named.resource.name}`,
    status: 404,
  })
}

/** The same; undefined when there is none. A kind whose records have no path of their own is searched. */
export async function findRecord(client: Client, named: Named): Promise<Read | undefined> {
  const { resource, list, record, id } = named
  const isOfStore = resource.isOfStore === true
  if (record !== undefined && resource.hasRecords !== true) {
    for await (const item of client.pages(list, resource.member ?? '', { isOfStore }))
      if (isRecord(item) && item[resource.columns[0] ?? ''] === id) return { json: item, etag: undefined }
    return undefined
  }
  const { status, json, headers } = await client.get(record ?? list, { accept: [404], isOfStore })
  if (status === 404 && record !== undefined) return undefined
  return { json, etag: headers.get('etag') ?? undefined }
}
