import { textAt } from '../kit/calls.ts'
import { control } from './endings.ts'
import { type Hold, isDoubtful, type Scope } from './history.ts'
import { type Load, ownScope } from './load.ts'
import { timed, Unexpected } from './looks.ts'

const HOLD_SECONDS = 30
/** A node's time may be behind by as much as the answer to a heartbeat was under way. */
const BEHIND_MS = 6_000
const ATTEMPTS = 6

type Held = { readonly hold: Hold; readonly id: string }

/** Places a hold, with one idempotency key however often it is asked. @returns undefined if no answer came. */
async function place(
  load: Load,
  scope: Scope,
  target: Readonly<Record<string, unknown>>,
): Promise<Held | undefined> {
  const once = load.name('once')
  const askedMs = performance.now()
  const hold: Hold = {
    askedMs,
    heldMs: undefined,
    mayEndMs: askedMs + HOLD_SECONDS * 1_000 - BEHIND_MS,
    isReleased: false,
  }
  scope.holds.push(hold)
  const value = { target, reason: 'drill', seconds: HOLD_SECONDS, atDeadline: 'release' }
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const node = load.node()
    const { answer, answeredMs } = await timed(() => control(node.calls, '/holds', value, once))
    load.history.count(`hold ${answer?.status ?? 'unknown'}`)
    scope.tell(answeredMs, `hold at ${node.name}: ${answer?.status ?? 'unknown'}`)
    if (answer === undefined || answer.status === 409) continue
    if (answer.status !== 201) throw new Unexpected(`a hold was answered ${answer.status} ${answer.text}`)
    hold.heldMs = answeredMs
    load.probe(scope)
    return { hold, id: textAt(answer, 'id') }
  }
  return undefined
}

async function release(load: Load, scope: Scope, { hold, id }: Held): Promise<void> {
  const once = load.name('once')
  hold.mayEndMs = Math.min(hold.mayEndMs, performance.now())
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const node = load.node()
    const { answer, answeredMs } = await timed(() =>
      control(node.calls, `/holds/${id}/release`, { reason: 'drill' }, once),
    )
    load.history.count(`release ${answer?.status ?? 'unknown'}`)
    scope.tell(answeredMs, `release at ${node.name}: ${answer?.status ?? 'unknown'}`)
    if (answer?.status === 200) hold.isReleased = true
    if (answer !== undefined) return
  }
}

export async function holdToken(load: Load): Promise<void> {
  const token = load.one(load.history.tokens.slice(-60).filter(({ kind }) => kind === 'access'))
  if (token === undefined || isDoubtful(token, performance.now())) return
  const scope = ownScope(token)
  const held = await place(load, scope, { token: token.text })
  if (held === undefined) return
  await load.look(token, load.node())
  await load.look(token, load.node())
  if (load.dice.below(3) > 0) await release(load, scope, held)
}

export async function holdPrincipal(load: Load): Promise<void> {
  const subject = load.clear(load.subjects)
  if (subject === undefined) return
  const scope = subject.begin()
  const held = await place(load, scope, { source: 'oauth', subject: subject.id })
  if (held !== undefined) await mintsNothing(load, scope, subject.id)
  if (held !== undefined && load.dice.below(3) > 0) await release(load, scope, held)
  if (held?.hold.isReleased === true) subject.goesOn()
  else subject.lose()
}

/** Nothing is minted for what a hold covers. */
async function mintsNothing(load: Load, scope: Scope, subject: string): Promise<void> {
  const node = load.node()
  const { sentMs, answeredMs, answer } = await timed(() =>
    control(node.calls, '/grants', { clientId: 'svc', subject }),
  )
  load.history.count(`mint under a hold ${answer?.status ?? 'unknown'}`)
  scope.tell(answeredMs, `grant under a hold at ${node.name}: ${answer?.status ?? 'unknown'}`)
  if (answer?.status === 201 && scope.mustRefuse(sentMs, answeredMs))
    load.history.violations.push(`minted under a hold: ${scope.name} at ${node.name}`)
}
