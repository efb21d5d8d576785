import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { WrongUse } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { type Client, openClient } from '../../remote/client.ts'
import { pastInstantIn } from '../../targets/instants.ts'
import { type Named, namedBy } from './paths.ts'
import { readRecord } from './read-record.ts'
import { listLines, recordLines } from './record-lines.ts'

/** @throws WrongUse, Refused, CommandFailed. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const named = namedBy(call)
  const limit = limitOf(call)
  const since = sinceOf(call, named)
  const client = await openClient(call, io)
  const { resource, record } = named
  if (resource.member === undefined || record !== undefined) {
    const { json } = await readRecord(client, named)
    io.result(json, () => recordLines(json))
    return EXIT.done
  }
  const { items, isWhole } = await listed(client, named, { limit, since })
  io.result(items, () => listLines(resource, items))
  if (!isWhole) io.note('There are more: --limit 0 lists all.')
  return EXIT.done
}

function limitOf(call: Call): number {
  const limit = Number(call.text('limit') ?? '100')
  if (!Number.isSafeInteger(limit) || limit < 0) throw new WrongUse('--limit: a whole number')
  return limit === 0 ? Number.POSITIVE_INFINITY : limit
}

/** @throws WrongUse for what is no log. */
function sinceOf(call: Call, { resource }: Named): string | undefined {
  const text = call.text('since')
  if (text === undefined) return undefined
  if (resource.isLog !== true) throw new WrongUse(`--since: only of a log, and ${resource.name} are none`)
  return pastInstantIn('since', text, Date.now())
}

type Wanted = { readonly limit: number; readonly since: string | undefined }

async function listed(client: Client, { resource, list }: Named, { limit, since }: Wanted): Promise<Listed> {
  const items: unknown[] = []
  for await (const item of client.pages(list, resource.member ?? '', {
    isOfStore: resource.isOfStore === true,
    query: { since },
  })) {
    if (items.length >= limit) return { items, isWhole: false }
    items.push(item)
  }
  return { items, isWhole: true }
}

type Listed = { readonly items: readonly unknown[]; readonly isWhole: boolean }
