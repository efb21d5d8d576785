import { commitOwn, putRecord, type Realms } from '@rescind/authority'
import { SettingsRefused } from '@rescind/core'
import { defined } from '@rescind/core/bytes'
import { CONTROL_KEYS, type ControlRole, newControlKey } from '../records/control-keys.ts'
import { OWNER } from '../records/key-owners.ts'
import { displayName } from '../records/text-schemas.ts'

const NAME_MAX = 128
const NAME = displayName(NAME_MAX)

export type OperatorKey = {
  readonly name: string
  readonly role: ControlRole
  /** Absent: all realms. */
  readonly realm?: string | undefined
  readonly owner?: string | undefined
}

/**
 * Makes a control key for an operator who has the store and its master key, where no key is left that could make one. The
 * bound of keys does not count here: a store that is full of keys must not lock its operator out.
 * @throws SettingsRefused for a name, owner or realm that cannot be; StoreUnavailable.
 */
export async function makeOperatorKey(
  realms: Realms,
  wanted: OperatorKey,
): Promise<{ readonly id: string; readonly text: string }> {
  const { name, role, realm, owner } = wanted
  if (!NAME.safeParse(name).success) throw new SettingsRefused(`--name: 1 to ${NAME_MAX} visible characters`)
  if (owner !== undefined && !OWNER.safeParse(owner).success)
    throw new SettingsRefused('--owner: a login name or an e-mail address')
  if (realm !== undefined && role === 'metrics')
    throw new SettingsRefused('--realm: a key that scrapes is one of all realms')
  if (realm !== undefined && !realms.isServed(realm))
    throw new SettingsRefused(`--realm: there is no realm "${realm}"`)
  const { system } = realms
  const { id, value, text } = newControlKey(system, wanted)
  const audit = {
    ...{ by: 'operator', from: 'local', how: 'key.new' },
    why: 'made on the store itself, with its master key',
    cause: { code: 'key', role, ...defined({ owner, realm }) },
  }
  const put = { collection: CONTROL_KEYS, id, value, fromVersion: 0 }
  await commitOwn(system, putRecord(system, put, audit))
  return { id, text }
}
