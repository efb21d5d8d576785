import type { Call } from '../frame/call.ts'
import { WrongUse } from '../frame/failure.ts'
import type { Environment, Io } from '../frame/io.ts'
import { askHidden, requireTerminal } from '../frame/prompts.ts'
import { quoted } from '../frame/token-text.ts'
import { readPrivateFile } from './private-files.ts'
import { type Profile, readProfiles } from './profiles.ts'
import { DEFAULT_URL, serverUrl } from './server-url.ts'

/** Whom a remote command speaks to, and as whom. */
export type Target = { readonly url: URL; readonly key: string; readonly realm: string | undefined }

const KEY_SOURCES = 'set RESCIND_KEY_FILE or RESCIND_KEY, or run: rescind login'

/**
 * A profile's key is only ever sent to the profile's URL. So a profile counts as a whole: it is used when it is named by
 * --profile or RESCIND_PROFILE, or when nothing else says where to go and as whom.
 * @throws WrongUse when there is no key, and nobody can be asked for one.
 */
export async function targetOf(call: Call, io: Io): Promise<Target> {
  const { url, key, realm } = knownTarget(call, io)
  return { url, key: key ?? (await askedKey(io, url)), realm }
}

type Known = Omit<Target, 'key'> & { readonly key: string | undefined }

/** The same without asking anybody: there may be no key. @throws WrongUse. */
export function knownTarget(call: Call, { environment }: Io): Known {
  const given = call.text('url') ?? set(environment, 'RESCIND_URL')
  const profile = profileFor(call, environment, given)
  const named = call.text('realm') ?? set(environment, 'RESCIND_REALM')
  if (profile !== undefined) {
    const { url, key, realm } = profile
    return { url: serverUrl(url, 'profile'), key: keyText(key, 'profile'), realm: named ?? realm }
  }
  return { url: serverUrl(given ?? DEFAULT_URL), key: keyFromEnvironment(environment), realm: named }
}

function profileFor(call: Call, environment: Environment, url: string | undefined): Profile | undefined {
  const flag = call.text('profile')
  const name = flag ?? (call.text('url') === undefined ? set(environment, 'RESCIND_PROFILE') : undefined)
  if (flag !== undefined && call.text('url') !== undefined)
    throw new WrongUse('--profile and --url are both given', "a profile's key is for the profile's own URL")
  if (name !== undefined) {
    const { byName } = readProfiles(environment)
    const found = byName.get(name)
    if (found === undefined)
      throw new WrongUse(`there is no profile ${quoted(name)}`, 'run: rescind login --profile NAME')
    return found
  }
  const isAddressed =
    url !== undefined ||
    ['RESCIND_KEY', 'RESCIND_KEY_FILE'].some((one) => set(environment, one) !== undefined)
  if (isAddressed) return undefined
  const { current, byName } = readProfiles(environment)
  return current === undefined ? undefined : byName.get(current)
}

/** The key from the environment, else from a prompt. @throws WrongUse when there is neither. */
export async function keyFor(url: URL, io: Io): Promise<string> {
  return keyFromEnvironment(io.environment) ?? (await askedKey(io, url))
}

function keyFromEnvironment(environment: Environment): string | undefined {
  const file = set(environment, 'RESCIND_KEY_FILE')
  if (file !== undefined) return keyText(readPrivateFile(file, 'RESCIND_KEY_FILE'), 'RESCIND_KEY_FILE')
  const key = set(environment, 'RESCIND_KEY')
  return key === undefined ? undefined : keyText(key, 'RESCIND_KEY')
}

async function askedKey(io: Io, url: URL): Promise<string> {
  requireTerminal(io, `the key for ${url.origin}`, KEY_SOURCES)
  return keyText(await askHidden(io, `Control key for ${url.origin}`), 'the key')
}

/** A key goes into a header: one line of visible ASCII. @throws WrongUse. */
function keyText(text: string, name: string): string {
  const key = text.trim()
  if (key === '') throw new WrongUse(`${name} holds no key`, KEY_SOURCES)
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new WrongUse(`${name} is no control key`, 'it has spaces or other characters that no key has')
  return key
}

function set(environment: Environment, name: string): string | undefined {
  const value = environment[name]
  return value === undefined || value === '' ? undefined : value
}
