import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { WrongUse } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { type Line, type Piece, paint, table } from '../../frame/lines.ts'
import { timeText } from '../../frame/times.ts'
import { COUNTS_AS_SEEN, mayBeToken } from '../../frame/token-text.ts'
import { openClient } from '../../remote/client.ts'
import { listOf, type Members, membersOf, numberOf, textOf, textsOf } from '../../remote/members.ts'
import { programIn, realmWords, shellWord, targetWords } from '../../targets/ready-line.ts'
import { secretText } from '../../targets/token-input.ts'
import { endingCommand } from './ending-command.ts'
import { withHolds } from './holds-over.ts'

export async function run(call: Call, io: Io): Promise<ExitCode> {
  const word = call.positional(0)
  if (word !== undefined && word !== '-' && mayBeToken(word))
    throw new WrongUse(
      'TEXT may be a token or a key; give it by - (standard input, or a hidden prompt)',
      `if it is one, ${COUNTS_AS_SEEN}`,
    )
  const client = await openClient(call, io)
  const text = word === undefined || word === '-' ? await secretText(io, 'What to look for') : word
  const isAll = call.isOn('all')
  const query = isAll ? { realm: undefined } : {}
  const answer = membersOf((await client.ask('/find', { text }, { query })).json)
  const usual = isAll ? undefined : client.target.realm
  const program = programIn(io.environment)
  const findings = (await withHolds(client, listOf(answer['findings']))).map((one): Members => {
    const command = endingCommand(one, { program, usual })
    return command === undefined ? one : { ...one, command }
  })
  const isKnown =
    findings.length > 0 || listOf(answer['recognised']).some((one) => textOf(one['endedBy']) !== '')
  io.result({ ...answer, findings }, () => [
    ...recognisedLines(listOf(answer['recognised']), program),
    ...(isKnown && findings.length === 0 ? [] : findingLines(findings)),
    ...holdLines(findings, { program, usual }),
    ...searchedLines(answer, { program, usual }),
  ])
  return isKnown ? EXIT.done : EXIT.failed
}

function recognisedLines(recognised: readonly Members[], program: string): readonly Line[] {
  return recognised.map((one) => {
    const credential = textOf(one['credential'])
    const endedBy = textOf(one['endedBy'])
    const note = textOf(one['note'])
    return [
      'It may be: ',
      paint('bold', credential === '' ? textOf(one['as']) : `${textOf(one['as'])} (${credential})`),
      ...(endedBy === '' ? [] : ['; what ends it: ', paint('bold', callWords(endedBy, program))]),
      note === '' ? '' : `; ${note}`,
    ]
  })
}

const DELETE_RECORD = /^DELETE \/control\/v1\/(keys|verifiers)\/([^/?%]{1,1024})$/

/** A call of the API as a command, where there is one of the same meaning. */
function callWords(call: string, program: string): string {
  const [, resource, id] = DELETE_RECORD.exec(call) ?? []
  if (resource === undefined || id === undefined) return call
  return `${program} delete ${resource} ${shellWord(id)}`
}

function findingLines(findings: readonly Members[]): readonly Line[] {
  const commands = [...new Set(findings.flatMap(({ command }) => textsOf(command)))]
  return [
    '',
    ...table(
      ['realm', 'source', 'kind', 'id', 'name', 'state', 'live tokens'],
      findings.map((one) => [
        textOf(one['realm']),
        textOf(one['source']),
        textOf(one['kind']),
        textOf(one['id']),
        nameText(one),
        stateText(one),
        tokensText(one),
      ]),
      'Nothing was found.',
    ),
    ...(commands.length === 0 ? [] : ['', 'To end it (each shows first what it would end, and asks):']),
    ...commands.flatMap((command): readonly Line[] => [
      ['  ', paint('bold', command)],
      ...(/ end user /.test(command) ? [PASSWORD_STAYS] : []),
    ]),
  ]
}

const PASSWORD_STAYS = '    (without --password, whoever knows the password can log in again)'

/** What decides about holds: of a hold itself, and of those over what was found. */
function holdLines(findings: readonly Members[], { program, usual }: Naming): readonly Line[] {
  const held = findings.filter(({ state }) => state === 'held')
  const own = findings.filter(({ kind, state }) => kind === 'hold' && state === 'open')
  const lines = [...held, ...own].flatMap((one) => {
    const realm = realmWords(textOf(one['realm']), usual)
    const ids = one['kind'] === 'hold' ? textsOf(one['id']) : textsOf(one['holds'])
    const words = ids.flatMap((id) => [
      ['release', id],
      ['hold revoke', id],
    ])
    return (words.length === 0 ? [['hold list']] : words).map((all) => [program, ...all, ...realm].join(' '))
  })
  if (lines.length === 0) return []
  return [
    '',
    'It is held; to lift a hold, or to end for good what it holds:',
    ...[...new Set(lines)].map((line): Line => ['  ', paint('bold', line)]),
  ]
}

function nameText(one: Members): string {
  const [name, email] = [textOf(one['name']), textOf(one['email'])]
  if (name !== '' && email !== '') return `${name} <${email}>`
  const owner = [textOf(one['subject']), textOf(one['client'])].filter((text) => text !== '').join(' / ')
  return name || email || owner
}

function stateText(one: Members): Piece {
  const state = textOf(one['state'])
  const until = textOf(one['expiresAt'])
  if (state !== 'live') return state
  return paint('yellow', until === '' ? state : `live until ${timeText(until)}`)
}

function tokensText({ tokens }: Members): string {
  const { count, complete } = membersOf(tokens)
  if (count === undefined) return ''
  return complete === false ? `at least ${numberOf(count)}` : String(numberOf(count))
}

type Naming = { readonly program: string; readonly usual: string | undefined }

/** What the answer proves, and what ends what could not be searched. */
function searchedLines(answer: Members, { program, usual }: Naming): readonly Line[] {
  const searched = listOf(answer['searched'])
  const notSearched = listOf(answer['notSearched'])
  const places = searched.map((one) => {
    const state = one['state'] === 'served' ? '' : ` (${textOf(one['state'])})`
    const sources = textsOf(one['sources'])
    const what = sources.length > 0 ? sources : textsOf(one['lookUps'])
    return `${textOf(one['realm'])}${state}: ${what.join(', ')}`
  })
  return [
    '',
    ...places.map((place): Line => [paint('dim', 'searched      '), place]),
    ...notSearched.flatMap((one): readonly Line[] => {
      const realm = textOf(one['realm'])
      const where = [realm, textOf(one['source'])].filter((text) => text !== '').join(' ')
      return [
        [
          paint('yellow', 'not searched  '),
          where === '' ? '' : `${where}: `,
          `${textOf(one['what'])}: ${textOf(one['why'])}`,
        ],
        ...listOf(one['targets']).map((target): Line => {
          const words = [program, 'revoke', ...realmWords(realm, usual), targetWords(target)]
          return ['              to end it all the same: ', paint('bold', words.join(' '))]
        }),
      ]
    }),
  ]
}
