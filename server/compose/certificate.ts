import type { Server } from 'node:http'
import { Server as TlsServer } from 'node:tls'
import { SettingsRefused } from '@rescind/core'
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import { readTls, type TlsPair, untimely } from '../config/tls.ts'

/** Rereads the certificate and its key for new connections. If they cannot be served, the old ones stay in use. */
export function reloadTls(listening: Server, { tls }: Config, log: Logger): void {
  // The type says `http.Server` for both kinds.
  const server: unknown = listening
  if (tls === undefined || !(server instanceof TlsServer)) {
    log.info('nothing to reload: no certificate is configured')
    return
  }
  try {
    const pair = readTls(tls.files)
    server.setSecureContext({ cert: pair.cert, key: pair.key })
    log.info({ file: tls.files.certFile }, 'the certificate and its key were reloaded')
    noteUntimely(pair, Date.now(), log)
  } catch (error) {
    if (!(error instanceof SettingsRefused)) throw error
    log.error(
      { reason: error.message },
      'the certificate could not be reloaded; the previous one stays in use',
    )
  }
}

/** Warns when clients will refuse the certificate, and says why. */
export function noteUntimely(tls: TlsPair | undefined, nowMs: number, log: Logger): void {
  const reason = tls === undefined ? undefined : untimely(tls, nowMs)
  if (reason !== undefined) log.warn({ reason }, 'clients will refuse the certificate')
}
