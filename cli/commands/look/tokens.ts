import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import { type Piece, paint } from '../../frame/lines.ts'
import { timeText } from '../../frame/times.ts'
import { openClient } from '../../remote/client.ts'
import { printListing } from '../../remote/listing.ts'
import { type Members, membersOf, textOf } from '../../remote/members.ts'

const FILTERS = ['source', 'subject', 'client', 'tenant', 'grant', 'session', 'kind', 'state'] as const

/** `rescind tokens`: what is live, by any of its ids. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const client = await openClient(call, io)
  await printListing(call, io, {
    client,
    ...{ path: '/tokens', member: 'tokens', query: tokenFilters(call) },
    heads: ['handle', 'state', 'kind', 'source', 'subject', 'client', 'grant', 'expires'],
    row: tokenRow,
    none: 'No such tokens.',
  })
  return EXIT.done
}

function tokenFilters(call: Call): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(FILTERS.map((name) => [name, call.text(name)]))
}

function tokenRow({ state, facts }: Members): readonly Piece[] {
  const of = membersOf(facts)
  const said = textOf(state)
  return [
    textOf(of['handle']),
    paint(STATE_STYLES[said] ?? 'red', said),
    ...['kind', 'source', 'subject', 'client', 'grant'].map((name) => textOf(of[name]) || '-'),
    of['expiresAt'] === undefined ? 'never' : timeText(textOf(of['expiresAt'])),
  ]
}

const STATE_STYLES: Readonly<Record<string, 'green' | 'yellow'>> = { active: 'green', held: 'yellow' }
