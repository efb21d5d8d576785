import { readFileSync, statSync } from 'node:fs'
import { StoreRefused } from '@rescind/core'
import type { PostgresAddress } from './connection.ts'

type Asked = Pick<PostgresAddress, 'host' | 'port' | 'user' | 'database'>

const SOCKET_HOST = 'localhost'
const OTHERS = 0o077

/**
 * The password for a connection: PGPASSWORD, else the first line that fits of the file PGPASSFILE, in the format of libpq
 * (`host:port:database:user:password`). It is read for each connection, so that it can be changed while the server runs.
 * @throws StoreRefused for a file that others can read, or that cannot be read.
 */
export function passwordFor(asked: Asked, { PGPASSWORD, PGPASSFILE }: NodeJS.ProcessEnv): string | undefined {
  if (PGPASSWORD !== undefined && PGPASSWORD !== '') return PGPASSWORD
  return PGPASSFILE === undefined || PGPASSFILE === '' ? undefined : passwordIn(fileText(PGPASSFILE), asked)
}

function fileText(path: string): string {
  try {
    if ((statSync(path).mode & OTHERS) === 0) return readFileSync(path, 'utf8')
  } catch (error) {
    throw new StoreRefused(`PGPASSFILE: ${path} cannot be read`, { cause: error })
  }
  throw new StoreRefused(`PGPASSFILE: ${path} can be read by others; run: chmod 600 ${path}`)
}

/** @returns undefined when no line fits. */
export function passwordIn(text: string, { host, port, database, user }: Asked): string | undefined {
  const wanted = [host.startsWith('/') ? SOCKET_HOST : host, String(port), database, user]
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue
    const fields = fieldsOf(line)
    if (fields.length === 5 && wanted.every((one, at) => fields[at] === '*' || fields[at] === one))
      return fields[4]
  }
  return undefined
}

/** Colons separate the fields; a backslash takes the next character as it is. */
function fieldsOf(line: string): readonly string[] {
  return [...line.matchAll(/((?:\\.|[^:\\])*)(:|$)/g)]
    .filter(({ index, 2: end }) => index < line.length || end === ':' || line.endsWith(':'))
    .map(([, field = '']) => field.replace(/\\(.)/g, '$1'))
}
