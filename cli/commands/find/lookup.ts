import { isOver } from '@rescind/core'
import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { WrongUse } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { type Line, type Piece, paint, pairs } from '../../frame/lines.ts'
import { timeText } from '../../frame/times.ts'
import { COUNTS_AS_SEEN, mayBeToken } from '../../frame/token-text.ts'
import { type Client, openClient } from '../../remote/client.ts'
import { type Members, membersOf, textOf, textsOf } from '../../remote/members.ts'
import { earlierReceipt } from '../../targets/earlier-receipt.ts'
import { answerAbout } from '../../targets/pasted.ts'
import { flagWord, programIn, realmWords, shellWord } from '../../targets/ready-line.ts'
import { secretText } from '../../targets/token-input.ts'

export async function run(call: Call, io: Io): Promise<ExitCode> {
  const handle = handleIn(call)
  const client = await openClient(call, io)
  const token = await tokenBy(client, io, handle)
  const facts = membersOf(token['facts'])
  const words = [programIn(io.environment), realmWords(client.target.realm ?? '', undefined)] as const
  const isRevoked = token['state'] === 'revoked'
  const receipt = isRevoked ? await earlierReceipt(client, facts) : undefined
  const commands = [
    ...(isRevoked ? receiptCommands(facts, receipt, words) : []),
    ...commandsFor(facts, textOf(token['state']), words),
  ]
  const named = receipt === undefined ? {} : { revokedBy: textOf(receipt['id']) }
  io.result({ ...token, ...named, commands: commands.map(([, command]) => command) }, () => [
    ...tokenLines(token, facts),
    ...(receipt === undefined ? [] : pairs([['revoked by', receiptText(receipt)]])),
    '',
    ...commands.map(([does, command]): Line => [does.padEnd(DOES_WIDTH), paint('bold', command)]),
  ])
  return EXIT.done
}

const DOES_WIDTH = 42

function handleIn(call: Call): string | undefined {
  const word = call.positional(0)
  const flag = call.text('handle')
  if (word !== undefined && word !== '-' && !/^tok_[\w-]{22}$/.test(word)) {
    if (mayBeToken(word)) throw new WrongUse(BY_STDIN, COUNTS_AS_SEEN)
    throw new WrongUse(
      `TOKEN: "${word}" is no handle (tok_…)`,
      `to see whose it is: rescind find ${shellWord(word)}`,
    )
  }
  if (flag !== undefined && word !== undefined)
    throw new WrongUse('TOKEN and --handle are two tokens', 'give one')
  if (flag !== undefined && !/^tok_[\w-]{22}$/.test(flag))
    throw new WrongUse(
      '--handle: this is no handle (tok_…)',
      mayBeToken(flag) ? COUNTS_AS_SEEN : 'for a token give -',
    )
  return flag ?? (word === '-' ? undefined : word)
}

const BY_STDIN = 'TOKEN has the form of a token; give it by - (standard input, or a hidden prompt)'

async function tokenBy(client: Client, io: Io, handle: string | undefined): Promise<Members> {
  if (handle !== undefined) return membersOf((await client.get(`/tokens/${handle}`)).json)
  const json = { token: await secretText(io, 'The token') }
  return answerAbout(json, io, client.ask('/tokens/lookup', json))
}

function tokenLines(token: Members, facts: Members): readonly Line[] {
  const state = textOf(token['state'])
  const said = (name: string, value: string): readonly (readonly [string, string])[] =>
    value === '' ? [] : [[name, value]]
  const at = (name: string, value: unknown): readonly (readonly [string, string])[] =>
    typeof value === 'string' ? [[name, timeText(value)]] : []
  return pairs([
    ['state', stateText(state)],
    ...said('token', textOf(facts['handle'])),
    ...said('kind', textOf(facts['kind'])),
    ['source', textOf(facts['source'])],
    ...['subject', 'client', 'tenant', 'grant', 'session', 'issuer', 'jti', 'scope'].flatMap((name) =>
      said(name, textOf(facts[name])),
    ),
    ...said('logged in by', textsOf(token['authenticatedBy']).join(', ')),
    ...said('minted by', textOf(token['mintedBy'])),
    ...at('issued at', facts['issuedAt']),
    ...at('expires at', facts['expiresAt']),
    [
      'last used',
      typeof token['lastUsedAt'] === 'string' ? timeText(token['lastUsedAt']) : 'no use is known',
    ],
  ])
}

function stateText(state: string): Piece {
  if (state === 'active') return paint('red', 'active: it is accepted')
  return isEnded(state)
    ? paint('green', `${state}: it is refused`)
    : paint('yellow', `${state}: refused for now`)
}

/** Whether nothing makes it active again. A state that this version does not know may pass, like a hold. */
function isEnded(state: string): boolean {
  return isOver({ kind: 'inactive', why: state })
}

function receiptText(receipt: Members): string {
  const reason = textOf(receipt['reason'])
  const what = `${textOf(receipt['id'])}, ${timeText(textOf(receipt['at']))}`
  return reason === '' ? what : `${what}: ${reason}`
}

/** Its receipt; or how to look for it, where the rule named its subject, its client or its source. */
function receiptCommands(
  facts: Members,
  receipt: Members | undefined,
  [program, realm]: Words,
): readonly (readonly [does: string, command: string])[] {
  const line = (...words: readonly string[]): string => [program, 'receipts', ...words, ...realm].join(' ')
  if (receipt !== undefined) return [['who refuses it, who accepted it', line('show', textOf(receipt['id']))]]
  const source = flagWord('source', textOf(facts['source']))
  const named = ['subject', 'client'].filter((name) => textOf(facts[name]) !== '')
  return [
    ...named.map(
      (name) =>
        [`look for its receipt by its ${name}`, line(source, flagWord(name, textOf(facts[name])))] as const,
    ),
    ['look for its receipt by its source', line(source)],
  ]
}

type Words = readonly [program: string, realm: readonly string[]]

/** What to do next; by names and handles, never by the text. */
function commandsFor(
  facts: Members,
  state: string,
  [program, realm]: Words,
): readonly (readonly [does: string, command: string])[] {
  const line = (...words: readonly string[]): string => [program, ...words, ...realm].join(' ')
  const named = (member: string): string => textOf(facts[member])
  const [handle, source, subject] = [named('handle'), named('source'), named('subject')]
  const own: readonly (readonly [string, string])[] =
    named('jti') !== '' && named('issuer') !== ''
      ? [
          [
            'end this token',
            line('revoke', flagWord('issuer', named('issuer')), flagWord('jti', named('jti'))),
          ],
          [
            'refuse it for an hour, to decide later',
            line('hold', flagWord('issuer', named('issuer')), flagWord('jti', named('jti'))),
          ],
        ]
      : [
          ['end this token', line('revoke', handle)],
          ['refuse it for an hour, to decide later', line('hold', handle)],
        ]
  return [
    ...(isEnded(state) ? [] : own),
    ...(named('grant') === ''
      ? []
      : [['end its grant, all tokens of that login', line('revoke', named('grant'))] as const]),
    ...(subject === ''
      ? []
      : [
          [
            'end everything of its subject there',
            line('revoke', flagWord('source', source), flagWord('subject', subject)),
          ] as const,
          ['see what else is of that person', line('find', shellWord(subject))] as const,
        ]),
  ]
}
