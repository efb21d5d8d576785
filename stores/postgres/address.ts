import { readFileSync } from 'node:fs'
import { SettingsRefused } from '@rescind/core'
import type { PostgresAddress } from './connection.ts'
import { passwordFor } from './password.ts'

const PORT = 5_432
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/

/**
 * The address in `postgres://USER@HOST[:PORT]/DATABASE`. `postgres:///DATABASE?host=/FOLDER&user=USER` names a socket
 * instead; `?sslrootcert=FILE` the authority that signed the server's certificate. It is always verified, unless the server is
 * on this machine.
 * @throws SettingsRefused.
 */
export function parsePostgresUrl(text: string, name: string): PostgresAddress {
  const refuse = (why: string): SettingsRefused => new SettingsRefused(`${name}: ${why}`)
  if (!URL.canParse(text)) throw refuse('this is no URL of the form postgres://USER@HOST/DATABASE')
  const url = new URL(text)
  if (url.password !== '')
    throw refuse('a password in a URL is seen by others; put it into a file that PGPASSFILE names')
  const database = decoded(url.pathname.slice(1))
  const { socket, rootCert, role, isVerified } = parametersOf(url.searchParams, refuse)
  const user = role ?? decoded(url.username)
  if (user === '' || database === '' || database.includes('/'))
    throw refuse('name user and database: postgres://USER@HOST/DATABASE')
  if (socket !== undefined && url.hostname !== '') throw refuse('name a host or a socket, and not both')
  const host = socket ?? url.hostname.replace(/^\[|\]$/g, '')
  if (host === '') throw refuse('name the host, or a socket: ?host=/var/run/postgresql')
  const isHere = host.startsWith('/') || LOOPBACK.test(host)
  if (isHere && (rootCert !== undefined || isVerified))
    throw refuse('sslmode and sslrootcert: connections on this machine have no certificate')
  const address = { host, port: url.port === '' ? PORT : Number(url.port), user, database }
  return {
    ...address,
    ssl: isHere
      ? false
      : {
          rejectUnauthorized: true,
          ...(rootCert === undefined ? {} : { ca: certificate(rootCert, refuse) }),
        },
    password: () => passwordFor(address, process.env),
  }
}

type Refuse = (why: string) => SettingsRefused
type Parameters = {
  readonly socket: string | undefined
  readonly rootCert: string | undefined
  readonly role: string | undefined
  readonly isVerified: boolean
}

function parametersOf(given: URLSearchParams, refuse: Refuse): Parameters {
  let socket: string | undefined
  let role: string | undefined
  let rootCert: string | undefined
  let isVerified = false
  for (const [key, value] of given) {
    if (key === 'host' && value.startsWith('/')) socket = value
    else if (key === 'user' && value !== '') role = value
    else if (key === 'sslrootcert' && value !== '') rootCert = value
    else if (key === 'sslmode' && value !== 'verify-full')
      throw refuse(`sslmode=${value} is not possible: connections to other machines are always verified`)
    else if (key === 'sslmode') isVerified = true
    else throw refuse(`the parameter ${key} is not known here`)
  }
  return { socket, rootCert, role, isVerified }
}

function certificate(path: string, refuse: Refuse): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw refuse(`sslrootcert: ${path} cannot be read`)
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
