import type { Call } from '../../frame/call.ts'
import { confirmed } from '../../frame/confirm.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { WrongUse } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { openClient } from '../../remote/client.ts'
import { namedBy } from './paths.ts'
import { readRecord } from './read-record.ts'
import { recordLines } from './record-lines.ts'

/** @throws WrongUse, Refused, CommandFailed. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const named = namedBy(call)
  const { resource, record, id } = named
  if (record === undefined)
    throw new WrongUse(`${resource.name}: ID is missing`, `see: rescind get ${resource.name}`)
  const client = await openClient(call, io)
  const { json, etag } = await readRecord(client, named)
  const title = `${resource.name} "${id}"`
  const plan = {
    lines: [`${title} would be deleted:`, ...recordLines(json)],
    json: { delete: json },
    question: `Delete ${title}?`,
  }
  if (!(await confirmed(call, io, plan))) return call.isOn('dry-run') ? EXIT.done : EXIT.failed
  await client.change('DELETE', record, {
    isOfStore: resource.isOfStore === true,
    ...(etag === undefined ? {} : { ifMatch: etag }),
  })
  io.result({ deleted: true, record: json }, () => [`${title}: deleted`])
  return EXIT.done
}
