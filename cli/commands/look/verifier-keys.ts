import type { Call } from '../../frame/call.ts'
import { confirmed, isDryRun } from '../../frame/confirm.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import { openClient } from '../../remote/client.ts'
import { membersOf, textOf } from '../../remote/members.ts'
import { secretPlace } from '../../remote/secret-place.ts'

/** `rescind verifiers rotate NAME`: another key, shown once. */
export async function runRotate(call: Call, io: Io): Promise<ExitCode> {
  const name = call.positional(0) ?? ''
  const lines = [`Verifier ${name} would get another key; the one before would be taken, too.`]
  if (isDryRun(call, io, { lines, json: { verifier: name } })) return EXIT.done
  const place = secretPlace(call, ['key'])
  try {
    const client = await openClient(call, io)
    const { json } = await client.change('POST', `/verifiers/${encodeURIComponent(name)}/rotate`)
    const { record, secretFile } = place.keep(json)
    io.result({ record, ...(secretFile === undefined ? {} : { secretFile }) }, () => [
      `Verifier ${name} has another key. Give it to every instance, then: rescind verifiers retire ${name}`,
      secretFile === undefined
        ? textOf(membersOf(record)['key'])
        : `It is in ${secretFile}, which only you can read. It is shown nowhere else.`,
    ])
    return EXIT.done
  } finally {
    place.drop()
  }
}

/** `rescind verifiers retire NAME`: ends one of two keys. */
export async function runRetire(call: Call, io: Io): Promise<ExitCode> {
  const name = call.positional(0) ?? ''
  const which = call.text('which') ?? 'older'
  const client = await openClient(call, io)
  const plan = {
    lines: [`The ${which} key of verifier ${name} ends, and what connects with it is cut off.`],
    json: { verifier: name, which },
    question: 'End it?',
  }
  if (!(await confirmed(call, io, plan))) return call.isOn('dry-run') ? EXIT.done : EXIT.failed
  await client.change('POST', `/verifiers/${encodeURIComponent(name)}/retire`, { json: { which } })
  io.result({ verifier: name, retired: which }, () => [
    `The ${which} key of verifier ${name} is refused from now on.`,
  ])
  return EXIT.done
}
