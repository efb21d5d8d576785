import type { Call } from '../frame/call.ts'
import { WrongUse } from '../frame/failure.ts'
import type { Io } from '../frame/io.ts'
import { askText, requireTerminal } from '../frame/prompts.ts'
import { COUNTS_AS_SEEN, hasTokenForm, mayBeToken } from '../frame/token-text.ts'
import type { Client } from '../remote/client.ts'
import type { Members } from '../remote/members.ts'
import { type Given, givenIn, NAME_FLAGS } from './given.ts'
import { instantIn } from './instants.ts'
import { refusalOf } from './judge.ts'
import { secretText } from './token-input.ts'

/** Members of the body of every call that takes a rule. */
export type RuleBody = {
  readonly target: Members
  readonly issuedBefore?: string
  readonly basis?: string
  readonly keepCredentials?: true
}

const BY_STDIN = 'give it by - (standard input, or a hidden prompt)'

/** Reads and judges the target of a command line, before anything is sent or asked. @throws WrongUse. */
export function targetIn(call: Call): Given {
  refuseTokens(call)
  const word = call.positional(0)
  const given = givenIn(call)
  const isDouble =
    (word?.startsWith('tok_') === true && call.text('handle') !== undefined) ||
    (word?.startsWith('grt_') === true && call.text('grant') !== undefined)
  if (isDouble) throw new WrongUse('two targets are named', 'give one of them')
  if (word !== undefined && word !== '-' && !/^(?:tok|grt)_/.test(word))
    throw new WrongUse(
      `TARGET: "${word}" is neither a handle (tok_…), nor a grant (grt_…), nor -`,
      `to see whose it is: rescind find ${/^[\w.-]+$/.test(word) ? word : '-'}; then --source SOURCE --subject NAME`,
    )
  const refusal = refusalOf(given)
  if (refusal !== undefined) throw new WrongUse(...refusal)
  return given
}

/** A token on the command line has been seen already; its sentence says so. */
function refuseTokens(call: Call): void {
  const word = call.positional(0)
  const told = call.text('token')
  if (told !== undefined && told !== '-')
    throw new WrongUse(`--token takes - alone; ${BY_STDIN}`, COUNTS_AS_SEEN)
  if (word !== undefined && word !== '-' && mayBeToken(word))
    throw new WrongUse(`TARGET has the form of a token; ${BY_STDIN}`, COUNTS_AS_SEEN)
  for (const flag of NAME_FLAGS)
    if (call.texts(flag).some(hasTokenForm))
      throw new WrongUse(`--${flag} has the form of a token; ${BY_STDIN}`, COUNTS_AS_SEEN)
}

/** The body that names the target; the text of a token is read now. */
export async function ruleBody(given: Given, io: Io, { target: { realm } }: Client): Promise<RuleBody> {
  const { issuedBefore, basis, keepCredentials } = given
  return {
    target: await targetBody(given, io, realm),
    ...(issuedBefore === undefined ? {} : { issuedBefore: instantIn('issued-before', issuedBefore) }),
    ...(basis === undefined ? {} : { basis }),
    ...(keepCredentials ? { keepCredentials: true } : {}),
  }
}

async function targetBody(given: Given, io: Io, realm: string | undefined): Promise<Members> {
  if (given.token) return { token: await secretText(io, 'The token') }
  // By name, the server can see that the call acts where it was meant to.
  if (given.wholeRealm) return { realm: realm ?? true }
  const { handle, grant, subject, client, tenant, session, issuer, jti, key, sources } = given
  const source = sources.length === 1 ? sources[0] : sources
  const named = { handle, grant, subject, client, tenant, session, issuer, jti, key }
  return {
    ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
    ...(sources.length === 0 ? {} : { source }),
  }
}

export type Why = { readonly reason: string; readonly note?: string }

/** Why it is done. A dry run needs no reason, and writes none. @throws WrongUse. */
export async function whyOf(call: Call, io: Io): Promise<Why> {
  const note = call.text('note')
  const noted = note === undefined ? {} : { note }
  const given = call.text('reason')?.trim()
  if (given !== undefined && given !== '') return { reason: given, ...noted }
  if (call.isOn('dry-run')) return { reason: 'dry run', ...noted }
  const example = 'give --reason "found in a public repository"'
  requireTerminal(io, 'the reason', example)
  const reason = await askText(io, 'Why? (for the receipt and the audit)')
  if (reason === '') throw new WrongUse('a reason is needed', example)
  return { reason, ...noted }
}
