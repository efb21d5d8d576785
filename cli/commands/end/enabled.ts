import type { Call } from '../../frame/call.ts'
import { confirmed, isDryRun } from '../../frame/confirm.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { CommandFailed } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { paint } from '../../frame/lines.ts'
import { type Client, type ControlPath, openClient } from '../../remote/client.ts'
import { type Members, membersOf, textOf } from '../../remote/members.ts'
import { sent } from '../../targets/carry-out.ts'
import { previewLines, tokensText } from '../../targets/preview-lines.ts'

type Switched = {
  /** By its id. */
  readonly path: (id: string) => ControlPath
  /** What ends with it, as POST /revocations names it. */
  readonly target: (name: string) => Members
  /** Whether the change takes a reason. */
  readonly hasReason: boolean
}

const KINDS: Readonly<Record<string, Switched>> = {
  client: {
    path: (name) => `/clients/${encodeURIComponent(name)}`,
    target: (name) => ({ source: 'oauth', client: name }),
    hasReason: true,
  },
  user: {
    path: (name) => `/identity-users/${encodeURIComponent(name)}`,
    target: (name) => ({ source: 'identity', subject: name }),
    hasReason: true,
  },
  'chat-app': {
    path: (name) => `/chat-apps/${encodeURIComponent(name)}`,
    target: (name) => ({ source: `chat/${name}` }),
    hasReason: false,
  },
  issuer: {
    path: (name) => `/issuers/${encodeURIComponent(name)}`,
    target: (name) => ({ issuer: name }),
    hasReason: true,
  },
}

export async function runDisable(call: Call, io: Io): Promise<ExitCode> {
  const { kind, name, what } = namedIn(call)
  const client = await openClient(call, io)
  const path = await pathOf(call, client)
  // Says that there is none, before anything else is said about it.
  await client.get(path)
  const json = { target: kind.target(name), reason: 'preview', dryRun: true }
  const preview = membersOf((await client.ask('/revocations', json)).json)
  const plan = {
    lines: previewLines(`${what} would be shut out, which ends`, preview),
    json: preview,
    question: `Disable ${what} (${tokensText(preview)})?`,
  }
  if (!(await confirmed(call, io, plan))) return call.isOn('dry-run') ? EXIT.done : EXIT.failed
  const record = await switched(call, io, { client, path, enabled: false })
  io.result(record, () => [
    // The change says nothing of tokens, and takes no digest of a preview: more may have been issued meanwhile.
    [
      paint('green', 'Disabled'),
      `: ${what} is shut out, and all its tokens ended (before: ${tokensText(preview)})`,
    ],
  ])
  return EXIT.done
}

export async function runEnable(call: Call, io: Io): Promise<ExitCode> {
  const { what } = namedIn(call)
  const client = await openClient(call, io)
  const path = await pathOf(call, client)
  const before = membersOf((await client.get(path)).json)
  const lines = [`${what} would be let in again. What has ended stays over.`]
  if (isDryRun(call, io, { lines, json: { before } })) return EXIT.done
  const record = await switched(call, io, { client, path, enabled: true })
  io.result(record, () => [[paint('green', 'Enabled'), `: ${what} may come in again`]])
  return EXIT.done
}

type Switching = { readonly client: Client; readonly path: ControlPath; readonly enabled: boolean }

async function switched(call: Call, io: Io, { client, path, enabled }: Switching): Promise<Members> {
  const { kind } = namedIn(call)
  const reason = call.text('reason')
  const json = { enabled, ...(kind.hasReason && reason !== undefined ? { reason } : {}) }
  return membersOf((await sent(io, client.change('PATCH', path, { json }))).json)
}

function namedIn(call: Call): { readonly kind: Switched; readonly name: string; readonly what: string } {
  const [word = '', name = ''] = call.positionals
  const kind = KINDS[word]
  if (kind === undefined) throw new TypeError(`the table lets in the kind ${word}`)
  return { kind, name, what: `the ${word} ${name}` }
}

/** Issuers are named by their URL here, and have an id there. @throws CommandFailed when none is registered. */
async function pathOf(call: Call, client: Client): Promise<ControlPath> {
  const { kind, name } = namedIn(call)
  if (kind !== KINDS['issuer']) return kind.path(name)
  for await (const item of client.pages('/issuers', 'issuers')) {
    const { id, issuer } = membersOf(item)
    if (issuer === name) return kind.path(textOf(id))
  }
  throw new CommandFailed(`no issuer ${name} is registered`, { next: 'see: rescind get issuers' })
}
