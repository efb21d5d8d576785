import type { Realms } from '@rescind/authority'
import { isOutage } from '@rescind/core'
import {
  type AskOutside,
  CHAT_APPS,
  type ChatDialect,
  createChatDialect,
  type Scans,
} from '@rescind/dialects'
import type { Logger } from 'pino'
import type { RequestLines } from '../http/request-lines.ts'
import { isFetchable } from '../machine/net/fetchable.ts'
import { guardedFetch } from '../machine/net/guarded-fetch.ts'

/** Bytes of what a verify URL may answer, and milliseconds that it has for it. */
const VERIFY_MAX_BYTES = 16_384
const VERIFY_TIMEOUT_MS = 5_000

export type ChatParts = {
  readonly realms: Realms
  readonly log: Logger
  readonly lines: RequestLines
  readonly requestsPerMinute: number
  /** Room for reads of many records. */
  readonly scans: Scans
  /** For tests: verify URLs may be plain http and inside the own network. */
  readonly allowInternal: boolean
}

export type Chat = { readonly dialect: ChatDialect; readonly close: () => void }

/** The chat dialect with what it needs of the world: rows as they come, a timer, and a way out to verify URLs. */
export function openChat(parts: ChatParts): Chat {
  const { realms, log, lines, requestsPerMinute, allowInternal, scans } = parts
  const timers: NodeJS.Timeout[] = []
  const askOutside: AskOutside = async ({ url, token, realm, app }) => {
    const reply = await guardedFetch(url, {
      share: { realm, of: `app ${app}` },
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ token }),
      maxBytes: VERIFY_MAX_BYTES,
      timeoutMs: VERIFY_TIMEOUT_MS,
      allowInternal,
    })
    if (reply.kind === 'failed')
      lines.write('warn', { realm, app, why: reply.why }, 'a verify URL gave no answer')
    return reply
  }
  const run = async (task: () => void | Promise<void>): Promise<void> => {
    try {
      await task()
    } catch (error) {
      if (!isOutage(error)) throw error
      log.warn({ reason: error.message }, 'event streams wait for the store')
    }
  }
  const dialect = createChatDialect({
    requestsPerMinute,
    scans,
    askOutside,
    live: {
      onRow: (listener) => realms.ledger.onRow(listener),
      every: (ms, task) => void timers.push(setInterval(() => void run(task), ms).unref()),
    },
  })
  return {
    dialect,
    close: () => {
      for (const timer of timers) clearInterval(timer)
      dialect.close()
    },
  }
}

/** What an operator must not overlook about the apps that there are. */
export async function warnOfChatApps({ realms, log, allowInternal }: ChatParts): Promise<void> {
  for (const realm of realms.all()) {
    for await (const { value } of realm.directory.all(CHAT_APPS)) {
      const of = { realm: realm.name, app: value.name }
      if (value.sandbox === true)
        log.warn(
          of,
          'sandbox: whoever has the public client key of this chat app can sign tokens for anybody',
        )
      if (value.verifyUrl !== undefined && !isFetchable(value.verifyUrl, allowInternal))
        log.warn(of, 'the verify URL of this chat app is no https URL of a public address: it is never asked')
    }
  }
}
