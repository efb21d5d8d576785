import { enable } from './endings.ts'
import { Scope } from './history.ts'
import { type Load, login } from './load.ts'
import { timed } from './looks.ts'

/** A user is disabled: what they had is over, and they get nothing new until they are enabled again. */
export async function disableUser(load: Load): Promise<void> {
  const principal = load.clear(load.users)
  const user = principal?.user
  if (principal === undefined || user === undefined) return
  const ended = await load.end(principal.begin(), enable(load, user.id, false))
  const sentMs = performance.now()
  const node = load.node()
  const { answer } = await timed(() => login(node.calls, user))
  load.history.count(`log in while disabled ${answer?.status ?? 'unknown'}`)
  if (answer?.status === 200 && ended !== 'never')
    load.history.violations.push(
      `${user.id} logged in at ${node.name}, disabled before ${Math.round(sentMs)}`,
    )
  const enabled = await load.end(new Scope(user.id), enable(load, user.id, true))
  if (ended === 'at once' && enabled === 'at once') principal.done()
  else principal.lose()
}
