import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REVOKE_COMMANDS } from '../commands/revoke/commands.ts'
import { readCall } from '../frame/parse.ts'
import { targetIn } from './read.ts'

const [REVOKE] = REVOKE_COMMANDS
const TOK = 'tok_Zy3nPp0qV9mXc2a1b0LkQg'
const GRT = 'grt_Zy3nPp0qV9mXc2a1b0LkQg'
const KEY = 'k'.repeat(43)
const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl'

/** Words after `revoke`, and what the refusal says. */
const WRONG: readonly (readonly [words: string, says: RegExp])[] = [
  ['', /nothing is named.*give - for the text of a token/],
  ['ann', /neither a handle.*rescind find ann/],
  [`${TOK} --handle ${TOK}`, /two targets are named/],
  [`${GRT} --grant ${GRT}`, /two targets are named/],
  [`- --handle ${TOK}`, /--token and --handle are two targets/],
  [`--token - --grant ${GRT}`, /--token and --grant are two targets/],
  [`--handle ${TOK} --grant ${GRT}`, /--handle and --grant are two targets/],
  [`--handle ${TOK} --whole-realm`, /--handle and --whole-realm are two targets/],
  [`--signing-key ${KEY} --jti j`, /--jti and --signing-key are two targets/],
  [`--session s --grant ${GRT}`, /--grant and --session are two targets/],
  [`--handle ${TOK} --subject ann`, /--handle stands for itself, without --subject: give --handle alone/],
  [`- --client svc`, /--token stands for itself, without --client/],
  ['--whole-realm --tenant 1', /--whole-realm stands for itself, without --tenant/],
  [`--handle ${TOK} --source oauth`, /--handle stands for itself, without a source/],
  ['- --source oauth', /--token stands for itself, without a source/],
  ['--whole-realm --issuer https://idp.example', /--whole-realm stands for itself, without a source/],
  ['--subject ann', /of several sources: say which: --source oauth --subject NAME/],
  ['--client svc --tenant 1', /of several sources: say which/],
  ['--source oauth --subject a --client b --tenant c', /no shape of a rule: name at most two/],
  ['--source oauth --issuer https://idp.example --subject a', /both say whose names these are/],
  ['--source oauth, --subject a', /--source is empty/],
  [
    `--source ${Array.from({ length: 17 }, (_, at) => `chat/a${at}`).join()} --subject a`,
    /at most 16 sources/,
  ],
  ['--session s', /a login is of a source: say which/],
  ['--jti j', /--jti names a token of a registered issuer: give --issuer URL --jti JTI/],
  ['--source oauth --jti j', /--jti names a token of a registered issuer/],
  [`--grant ${GRT} --issuer https://idp.example`, /tokens of issuers have no grants/],
  [`--grant ${TOK}`, /give --handle/],
  [`--handle ${GRT}`, /give --grant/],
  ['--handle nonsense', /no handle.*for the text of a token give -/],
  ['--signing-key short', /no thumbprint: it has 43 characters/],
  [`--handle ${TOK} --issued-before 2026-01-01T00:00:00Z`, /--issued-before is of principals/],
  [`--session s --source identity --issued-before 2026-01-01T00:00:00Z`, /--issued-before is of principals/],
  [
    '--source oauth --subject a --basis authenticated',
    /--basis is of subjects and clients of registered issuers/,
  ],
  ['--issuer https://idp.example --basis authenticated', /--basis is of subjects and clients/],
  ['--issuer https://idp.example --jti j --basis issued', /--basis is of subjects and clients/],
  ['--source oauth --subject a --keep-credentials', /--keep-credentials is of Identity subjects/],
  [`--handle ${TOK} --keep-credentials`, /--keep-credentials is of Identity subjects/],
  [`--token ${JWT}`, /--token takes - alone; give it by - .*history of the shell.*counts as shown/],
  [JWT, /TARGET has the form of a token; give it by - .*counts as shown/],
  [`--subject ${JWT} --source oauth`, /--subject has the form of a token/],
  [`--handle ${JWT}`, /--handle has the form of a token/],
  [`--handle ${TOK} --reason ${JWT}`, /--reason has the form of a token/],
  [`--handle ${TOK} --note ${JWT}`, /--note has the form of a token/],
]

test('each wrong combination of a target is refused before anything is sent, with the right form and no token', () => {
  for (const [words, says] of WRONG) {
    let told = ''
    assert.throws(
      () => targetIn(callOf(words)),
      (error: Error & { readonly line?: string; readonly exit?: number }) => {
        told = error.line ?? error.message
        return error.exit === 2
      },
      `accepted: ${words}`,
    )
    assert.match(told, says, words)
    assert.ok(!told.includes(JWT), words)
  }
})

const RIGHT = [
  '-',
  '--token -',
  TOK,
  GRT,
  `--handle ${TOK}`,
  `--grant ${GRT} --source chat/acme`,
  '--session s --source identity',
  '--issuer https://idp.example --jti j',
  '--source iss:https://idp.example --jti j',
  `--signing-key ${KEY}`,
  `--signing-key ${KEY} --source oauth`,
  '--whole-realm',
  '--whole-realm --issued-before 2026-01-01T00:00:00Z',
  '--source oauth',
  '--source oauth --source identity --subject ann',
  '--source oauth,identity --subject ann --issued-before 2026-01-01T00:00:00Z',
  '--source oauth --subject ann --client svc',
  '--source identity --client svc --tenant t',
  '--issuer https://idp.example --subject ann --basis authenticated',
  '--source identity --subject 77 --keep-credentials',
]

test('each form of a target of the API has its flags', () => {
  for (const words of RIGHT) assert.doesNotThrow(() => targetIn(callOf(words)), words)
})

function callOf(words: string): ReturnType<typeof readCall> {
  assert.ok(REVOKE !== undefined)
  return readCall(
    REVOKE,
    words.split(' ').filter((word) => word !== ''),
  )
}
