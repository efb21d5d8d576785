import { type OwnPostgres, type PostgresOptions, startOwnPostgres } from '../kit/postgres-server.ts'

/** Debian's package; npm's PostgreSQL has no pg_basebackup. */
export const POSTGRES_15 = 'postgresql-15'

export function startPostgres15(options: PostgresOptions = {}): Promise<OwnPostgres> {
  return startOwnPostgres({ ...options, bin: '/usr/lib/postgresql/15/bin' })
}
