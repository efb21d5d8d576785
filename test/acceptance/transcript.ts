import assert from 'node:assert/strict'
import { CONTROL, jsonOf } from '../kit/calls.ts'
import { ControlSchema, type OpenapiDocument } from '../kit/control-schema.ts'
import { openServer, PUBLIC_URL, type TestServer } from '../kit/in-process.ts'
import { type RawAnswer, rawExchange } from '../kit/raw-http.ts'
import { SEED } from '../kit/seed.ts'

/**
 * A golden transcript: `### title`, `# @directive` lines for what happens before, the request as on the wire (where its
 * lines end with CRLF), `<<<`, the answer. `{{name}}` stands for a value: its first occurrence in an answer defines it,
 * and later ones repeat it. `{{length}}` is the length of the request's body, for bodies with such values. Other lines
 * that begin with `# ` are comments.
 */
export type Exchange = {
  readonly title: string
  readonly directives: readonly string[]
  readonly request: string
  readonly answer: string
}

export function parseTranscript(text: string): readonly Exchange[] {
  return text
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [title = '', ...lines] = section.trimEnd().split('\n')
      const isProse = (line: string): boolean => line === '#' || line.startsWith('# ')
      const first = lines.findIndex((line) => !isProse(line))
      const divider = lines.indexOf('<<<')
      assert.ok(first >= 0 && divider > first, `no request, or no "<<<", under "${title}"`)
      const directives = lines.slice(0, first).filter((line) => line.startsWith('# @'))
      return {
        title,
        directives: directives.map((line) => line.slice('# @'.length)),
        request: lines.slice(first, divider).join('\n'),
        answer: lines.slice(divider + 1).join('\n'),
      }
    })
}

const chatKeys = (app: string): Readonly<Record<'apiKey' | 'clientKey', string>> => {
  return { apiKey: `${app}-api-key-0123456789`, clientKey: `${app}-client-key-public` }
}

/**
 * Records beside the usual seed: a disabled user, one who manages users, a second realm, and a realm with a chat app
 * for each setting.
 */
const TRANSCRIPT_SEED = {
  realms: [
    ...SEED.realms,
    {
      name: 'default',
      identity: {
        users: [
          {
            id: '55',
            username: 'dan',
            password: 'dan-password-0123456789',
            tenantId: '900100',
            roles: ['identity:default'],
            enabled: false,
          },
          {
            id: '60',
            username: 'mia',
            apiKey: 'mia-api-key-0123456789',
            tenantId: '900100',
            roles: ['identity:default', 'identity:user-manage'],
          },
        ],
      },
    },
    { name: 'branch' },
    {
      name: 'apps',
      chatApps: [
        { name: 'trial', ...chatKeys('trial'), sandbox: true },
        { name: 'newer', ...chatKeys('newer'), newerMembers: true },
        { name: 'limited', ...chatKeys('limited'), requestsPerMinute: 1 },
        { name: 'guarded', ...chatKeys('guarded'), apiKeySources: ['10.0.0.0/8'] },
        { name: 'full', ...chatKeys('full'), tombstonesMax: 0, maxLifetimeSeconds: 60, listingMax: 1 },
        { name: 'asking', ...chatKeys('asking'), verifyUrl: 'https://127.0.0.1/verify' },
        { name: 'closed', ...chatKeys('closed'), enabled: false },
      ],
    },
  ],
}

/** Headers that do not depend on the request. Reading the answer checks `content-length`, and request ids always differ. */
const AMBIENT: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'content-security-policy',
  'date',
  'keep-alive',
  'referrer-policy',
  'rescind-acknowledged',
  'x-content-type-options',
  'x-openstack-request-id',
])

type Values = Map<string, string>

/** Called with the answer to an exchange, as transcripts write it. Throws, or takes values from it. */
type OnAnswer = (exchange: Exchange, given: string, values: Values) => void

/** Plays a transcript against a new server; throws at the first answer that differs. */
export function playTranscript(exchanges: readonly Exchange[]): Promise<void> {
  return play(exchanges, compare)
}

/** The text of a transcript with its current answers. */
export async function recordTranscript(text: string, exchanges: readonly Exchange[]): Promise<string> {
  let recorded = text
  await play(exchanges, (exchange, given, values) => {
    takeValues(exchange.answer, given, values)
    let answer = given
    for (const [name, value] of values) answer = answer.replaceAll(value, `{{${name}}}`)
    const [before, after] = [exchange, { ...exchange, answer }].map(
      (one) => `${one.request}\n<<<\n${one.answer}\n`,
    )
    recorded = `${recorded}\n`.replace(before ?? '', () => after ?? '').slice(0, -1)
  })
  return recorded
}

async function play(exchanges: readonly Exchange[], onAnswer: OnAnswer): Promise<void> {
  const flags = ['--public-url', PUBLIC_URL]
  const server = await openServer({ seed: TRANSCRIPT_SEED, time: 'hand', flags })
  const values: Values = new Map()
  try {
    const schema = await controlSchema(server, exchanges)
    for (const exchange of exchanges) {
      let times = 1
      for (const directive of exchange.directives) times = obey(server, directive) ?? times
      for (; times > 0; times -= 1) {
        const given = await rawExchange(server.port, wireBytes(exchange.request, values))
        if (schema !== undefined) checkControl(schema, exchange, given)
        onAnswer(exchange, shown(given), values)
      }
    }
  } finally {
    server.power.mode = 'up'
    await server.close()
  }
}

const CONTROL_PATH = /^([A-Z]+) (\/control\/v1\/[^? ]*)/

/** The control API's own OpenAPI document, if the transcript calls that API. */
async function controlSchema(
  { port }: TestServer,
  exchanges: readonly Exchange[],
): Promise<ControlSchema | undefined> {
  if (!exchanges.some(({ request }) => CONTROL_PATH.test(request))) return undefined
  const line = 'GET /control/v1/openapi.json HTTP/1.1'
  const bytes = Buffer.from(`${line}\r\nHost: 127.0.0.1\r\n${CONTROL}\r\n\r\n`, 'utf8')
  return new ControlSchema(jsonOf(await rawExchange(port, bytes)) as OpenapiDocument)
}

/** Checks that the control API's document describes the answer. */
function checkControl(schema: ControlSchema, { request }: Exchange, given: RawAnswer): void {
  const [, method = '', path = ''] = CONTROL_PATH.exec(request) ?? []
  if (method === '') return
  const contentType = given.headers.find(([name]) => name === 'content-type')?.[1]
  const { status } = given
  schema.check({ method, path, status, contentType, body: given.body.toString('utf8') })
}

/**
 * `advance 5000`: moves the clock, in milliseconds. `store up`, `down` or `broken`. `repeat 50`: how often the exchange
 * takes place, which is the return value.
 */
function obey({ clock, power }: TestServer, directive: string): number | undefined {
  const [word, value = ''] = directive.split(' ')
  if (word === 'repeat') return Number(value)
  if (word === 'advance') clock.advance(Number(value))
  else if (word === 'store' && (value === 'up' || value === 'down' || value === 'broken')) power.mode = value
  else throw new Error(`no such directive: ${directive}`)
  return undefined
}

/** The lines of the head get CRLF; the body is sent as it is. */
function wireBytes(request: string, values: Values): Buffer {
  const filled = request.replaceAll(PLACE, (whole, name: string) => values.get(name) ?? whole)
  const split = filled.indexOf('\n\n')
  const head = split < 0 ? filled : filled.slice(0, split)
  const body = Buffer.from(split < 0 ? '' : filled.slice(split + 2), 'utf8')
  const lines = head.replaceAll('{{length}}', String(body.length)).replaceAll('\n', '\r\n')
  assert.ok(!lines.includes('{{'), `a value that no answer has brought yet: ${lines}`)
  return Buffer.concat([Buffer.from(`${lines}\r\n\r\n`, 'utf8'), body])
}

/** An answer as transcripts write it: the headers that matter, by name. */
function shown({ statusLine, headers, body }: RawAnswer): string {
  const lines = headers
    .filter(([name]) => !AMBIENT.has(name))
    .map(([name, value]) => `${name}: ${value}`)
    .sort()
  const head = [statusLine, ...lines].join('\n')
  // NDJSON ends with a line end, which transcripts do not write.
  const isLines = headers.some(([name, value]) => name === 'content-type' && value.endsWith('ndjson'))
  const text = isLines ? body.toString('utf8').trimEnd() : body.toString('utf8')
  return body.length === 0 ? head : `${head}\n\n${text.replaceAll(ACKNOWLEDGED, '')}`
}

/** What only a store of several nodes adds to a receipt. Transcripts are of one node, and hold for both. */
const ACKNOWLEDGED = ',"acknowledged":"everywhere"'

const PLACE = /\{\{(\w+)\}\}/g
const VALUE = '([\\w.~+/=-]+)'

function compare({ title, answer }: Exchange, given: string, values: Values): void {
  const names: string[] = []
  const pattern = answer
    .split(PLACE)
    .map((part, at) => {
      if (at % 2 === 0) return escaped(part)
      const known = values.get(part)
      if (known !== undefined) return escaped(known)
      names.push(part)
      return VALUE
    })
    .join('')
  const match = new RegExp(`^${pattern}$`).exec(given)
  // Comparing the two texts shows where they differ.
  if (match === null) assert.equal(given, answer, title)
  for (const [at, name] of names.entries()) values.set(name, match?.[at + 1] ?? '')
}

/** The same for an answer that may differ: a value follows the few characters that precede its place. */
function takeValues(answer: string, given: string, values: Values): void {
  for (const place of answer.matchAll(PLACE)) {
    const [whole, name = ''] = place
    if (values.has(name)) continue
    const before = answer.slice(Math.max(0, place.index - 12), place.index)
    const found = new RegExp(escaped(before) + VALUE).exec(given)
    assert.ok(found?.[1] !== undefined, `nothing stands where ${whole} stood: ${given}`)
    values.set(name, found[1])
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
