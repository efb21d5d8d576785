import { setTimeout as sleep } from 'node:timers/promises'
import type { Call } from '../../frame/call.ts'
import { CommandFailed, Interrupted } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { isObject, notRescind } from '../../remote/answers.ts'
import { Client, timeoutOf } from '../../remote/client.ts'
import { connectionFault } from '../../remote/problems.ts'
import { knownTarget } from '../../remote/target.ts'
import { type Finding, right, unchecked, warning, wrong } from './finding.ts'

/** Seconds between this machine's clock and the server's that are worth a warning. */
const SKEW_MAX_SECONDS = 5

/** Milliseconds after which an instance that lags is looked at again. */
const SECOND_LOOK_MS = 1_000

/** The server behind the URL: whether it answers, what it says of itself, and which verifiers lag. */
export async function serverFindings(call: Call, io: Io): Promise<readonly Finding[]> {
  const { url, key, realm } = knownTarget(call, io)
  const timeoutMs = timeoutOf(call)
  const answer = await readiness(url, timeoutMs)
  if (answer instanceof CommandFailed) return [unreachable(answer)]
  const about = [await readyFinding(answer), clockFinding(answer)]
  if (key === undefined)
    return [
      ...about,
      unchecked('verifiers', 'no key is given: set RESCIND_KEY_FILE, or log in by `rescind login`'),
    ]
  return [...about, ...(await verifierFindings(new Client({ url, key, realm }, io, timeoutMs)))]
}

function unreachable(failure: CommandFailed): Finding {
  const { message, next = '' } = failure.json
  return wrong('server', message, next)
}

async function readiness(url: URL, timeoutMs: number): Promise<Response | CommandFailed> {
  const ready = `${url.href.replace(/\/$/, '')}/readyz`
  try {
    return await fetch(ready, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) })
  } catch (error) {
    const fault = connectionFault(url, error)
    if (fault === undefined) throw error
    return fault
  }
}

async function readyFinding(answer: Response): Promise<Finding> {
  const text = await answer.text()
  const said = parsed(text)
  if (!isObject(said) || !('status' in said))
    return wrong(
      'server',
      `${answer.url} answers ${answer.status}, but is no server of Rescind`,
      'check --url',
    )
  if (said['status'] === 'ready') return right('server', `${answer.url} says ready`)
  const troubles = Array.isArray(said['troubles']) ? said['troubles'] : []
  const named = troubles.map((one) => (isObject(one) ? String(one['code']) : '')).join(', ')
  const detail = typeof said['detail'] === 'string' ? said['detail'] : named
  return wrong('server', `it says it is not in order: ${detail}`, 'see docs/run/out-of-order.md')
}

function clockFinding({ headers }: Response): Finding {
  const theirs = Date.parse(headers.get('date') ?? '')
  if (Number.isNaN(theirs)) return unchecked('clock', 'the server does not say its time')
  const seconds = Math.round(Math.abs(Date.now() - theirs) / 1_000)
  if (seconds <= SKEW_MAX_SECONDS) return right('clock', "this machine's clock and the server's agree")
  return warning(
    'clock',
    `this machine's clock and the server's are ${seconds} s apart`,
    'let both follow a time server; tokens expire by the clock of the server',
  )
}

async function verifierFindings(client: Client): Promise<readonly Finding[]> {
  try {
    const all = await instancesOf(client)
    const late = all.filter(isLate)
    const { realm = 'default' } = client.target
    if (all.length === 0) return [unchecked('verifiers', `no instance is known in realm ${realm}`)]
    if (late.length === 0)
      return [right('verifiers', `none of ${all.length} instances of realm ${realm} lags`)]
    // What moves on in a second was only busy.
    await sleep(SECOND_LOOK_MS)
    const before = new Set(late.map(stateOf))
    const stuck = (await instancesOf(client)).filter((one) => isLate(one) && before.has(stateOf(one)))
    if (stuck.length === 0)
      return [
        right('verifiers', `none of ${all.length} instances of realm ${realm} lags for longer than a second`),
      ]
    const names = [...new Set(stuck.map(({ verifier }) => verifier))].join(', ')
    const next =
      'see `rescind verifiers`; restart them, or let them reach the server: revocations wait for them'
    return [
      wrong('verifiers', `${stuck.length} of ${all.length} instances of realm ${realm} lag: ${names}`, next),
    ]
  } catch (error) {
    if (!(error instanceof CommandFailed) || error instanceof Interrupted) throw error
    const { message, next = '' } = error.json
    return [wrong('verifiers', message, next)]
  }
}

type Instance = Readonly<Record<string, unknown>> & { readonly verifier: string }

async function instancesOf(client: Client): Promise<readonly Instance[]> {
  const { json } = await client.get('/verifiers')
  if (!isObject(json) || !Array.isArray(json['verifiers'])) throw notRescind(client.target.url)
  return json['verifiers'].flatMap((one: unknown) => {
    if (!isObject(one) || !Array.isArray(one['instances'])) return []
    const verifier = String(one['name'])
    return one['instances'].filter(isObject).map((instance) => ({ ...instance, verifier }))
  })
}

/** One that has lapsed refuses by itself, so that nothing waits for it. */
function isLate({ lapsed, connected, behind }: Instance): boolean {
  return lapsed !== true && (connected !== true || (typeof behind === 'number' && behind > 0))
}

function stateOf({ verifier, instance, position }: Instance): string {
  return JSON.stringify([verifier, instance, position])
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
