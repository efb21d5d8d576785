import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import { isDeepStrictEqual } from 'node:util'
import type { Call } from '../../frame/call.ts'
import { isDryRun } from '../../frame/confirm.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { WrongUse } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { quoted } from '../../frame/token-text.ts'
import { type Answer, type Client, type Method, openClient } from '../../remote/client.ts'
import { type SecretPlace, secretPlace } from '../../remote/secret-place.ts'
import { type Named, namedBy } from './paths.ts'
import { findRecord, type Read } from './read-record.ts'
import { isRecord, type Record, recordLines } from './record-lines.ts'

/** What is about to be sent. */
type Act = {
  readonly does: 'create' | 'change'
  readonly method: Exclude<Method, 'GET'>
  readonly path: Named['list']
  readonly json: Record
  readonly ifMatch?: string
}

const NOT_CHECKED = 'The server has not checked it: it may refuse it when it is sent.'

/** @throws WrongUse, Refused, CommandFailed. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const named = namedBy(call)
  const body = await bodyOf(call, io)
  const client = await openClient(call, io)
  const before =
    named.resource.member !== undefined && named.id === undefined
      ? undefined
      : await findRecord(client, named)
  const act = actOf(named, body, before)
  if (act === undefined) {
    io.result({ unchanged: true, record: before?.json }, () => [
      `${titleOf(named)} is as the file says already.`,
    ])
    return EXIT.done
  }
  const lines = [`${titleOf(named)}: would ${act.does}`, ...recordLines(act.json), NOT_CHECKED]
  if (isDryRun(call, io, { lines, json: { [act.does]: act.json } })) return EXIT.done
  const { secrets = [] } = named.resource
  const place = act.does === 'create' && secrets.length > 0 ? secretPlace(call, secrets) : undefined
  return tell(io, named, { act, ...(await sent(client, act, { named, place })) })
}

type Sent = { readonly answer: Answer; readonly secretFile: string | undefined; readonly record: unknown }

async function sent(
  client: Client,
  act: Act,
  { named, place }: { readonly named: Named; readonly place: SecretPlace | undefined },
): Promise<Sent> {
  const { method, path, json, ifMatch } = act
  const isOfStore = named.resource.isOfStore === true
  try {
    const answer = await client.change(method, path, {
      json,
      isOfStore,
      ...(ifMatch === undefined ? {} : { ifMatch }),
    })
    return { answer, ...(place?.keep(answer.json) ?? { record: answer.json, secretFile: undefined }) }
  } finally {
    place?.drop()
  }
}

function tell(
  io: Io,
  named: Named,
  { act, answer, record, secretFile }: Sent & { readonly act: Act },
): ExitCode {
  if (answer.status === 202) {
    io.result(record, () => [
      `${titleOf(named)}: a second person has to approve this change. Nothing is changed so far.`,
      ...recordLines(record),
    ])
    return EXIT.awaiting
  }
  const done = act.does === 'create' ? 'created' : 'changed'
  const told = secretFile === undefined ? {} : { secretFile }
  io.result({ [done]: true, ...told, record }, () => [
    `${titleOf(named)}: ${done}`,
    ...(secretFile === undefined
      ? []
      : [`The secret is in ${secretFile}, which only you can read. It is shown nowhere else.`]),
    ...recordLines(record),
  ])
  return EXIT.done
}

/** Undefined when nothing would change. @throws WrongUse for what cannot be created or changed. */
function actOf(named: Named, body: Record, before: Read | undefined): Act | undefined {
  const { resource, list, record, id } = named
  if (before === undefined) {
    if (resource.creates !== true && resource.changes !== 'PUT')
      throw new WrongUse(`${resource.name}: these cannot be created`)
    if (id !== undefined && resource.named === undefined)
      throw new WrongUse(
        `${resource.name}: there is no ${quoted(id)}`,
        'a new one gets its id from the server: leave ID out',
      )
    const json = id === undefined || resource.named === undefined ? body : { ...body, [resource.named]: id }
    return { does: 'create', method: 'POST', path: list, json }
  }
  if (resource.changes === undefined)
    throw new WrongUse(
      `${titleOf(named)} exists, and such records cannot be changed`,
      `delete it, and create a new one`,
    )
  const json = resource.changes === 'PUT' ? body : differing(body, before.json)
  const isSame = Object.keys(resource.changes === 'PUT' ? differing(body, before.json) : json).length === 0
  if (isSame) return undefined
  const { etag } = before
  return {
    does: 'change',
    method: resource.changes,
    path: record ?? list,
    json,
    ...(etag === undefined ? {} : { ifMatch: etag }),
  }
}

/** Members that the record does not have so: what a record shows beside what can be set is left out by that. */
function differing(body: Record, before: unknown): Record {
  const known: Record = isRecord(before) ? before : {}
  return Object.fromEntries(
    Object.entries(body).filter(([name, value]) => !isDeepStrictEqual(value, known[name])),
  )
}

function titleOf({ resource, id }: Named): string {
  return id === undefined ? resource.name : `${resource.name} "${id}"`
}

/** @throws WrongUse for text that is not one JSON object. */
async function bodyOf(call: Call, io: Io): Promise<Record> {
  const file = call.text('file')
  if (file === undefined)
    throw new WrongUse('the record is not given', 'give it as --file FILE, or --file - for standard input')
  const text = file === '-' ? await textOf(io.input) : await readFile(file, 'utf8')
  const json = parsed(text)
  if (!isRecord(json)) throw new WrongUse(`${file}: this is not one JSON object`)
  return json
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    return undefined
  }
}
