import { isOutage } from '@rescind/core'
import { type AskExternal, CHAT_APPS, createChatDialect } from '@rescind/dialects'
import { isFetchable } from '../../machine/net/fetchable.ts'
import { guardedFetch } from '../../machine/net/guarded-fetch.ts'
import type { Mounted, MountParts } from '../module.ts'

/** Bytes of a verify URL's answer, and milliseconds that it may take. */
const VERIFY_MAX_BYTES = 16_384
const VERIFY_TIMEOUT_MS = 5_000

type Parts = Pick<MountParts, 'realms' | 'log' | 'lines' | 'scans' | 'allowInternalFetch'>

/** The chat dialect and its outside: new rows, a timer, and a way to reach verify URLs. */
export function mountChat(parts: Parts, requestsPerMinute: number): Mounted {
  const { realms, log, lines, allowInternalFetch: allowInternal, scans } = parts
  const timers: NodeJS.Timeout[] = []
  const askExternal: AskExternal = async ({ url, token, realm, app }) => {
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
      lines.write('warn', { realm, app, why: reply.why }, 'chat: a verify URL did not answer')
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
    askExternal,
    live: {
      onRow: (listener) => realms.ledger.onRow(listener),
      onClosed: (listener) => realms.onClosed(listener),
      every: (ms, task) => void timers.push(setInterval(() => void run(task), ms).unref()),
    },
  })
  return {
    dialect,
    onListening: () => warnOfChatApps(parts),
    close: () => {
      for (const timer of timers) clearInterval(timer)
      dialect.close()
    },
  }
}

/** Warns about apps whose settings an operator should know of. */
async function warnOfChatApps({ realms, log, allowInternalFetch: allowInternal }: Parts): Promise<void> {
  for (const realm of realms.all()) {
    for await (const { value } of realm.directory.all(CHAT_APPS)) {
      const of = { realm: realm.name, app: value.name }
      if (value.sandbox === true)
        log.warn(
          of,
          'sandbox: every holder of the public client key of this chat app can sign tokens for every user',
        )
      if (value.verifyUrl !== undefined && !isFetchable(value.verifyUrl, allowInternal))
        log.warn(
          of,
          'the verify URL of this chat app is not an https URL of a public address and is never asked; set another',
        )
    }
  }
}
