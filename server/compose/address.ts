import { once } from 'node:events'
import { createServer } from 'node:net'
import { SettingsRefused } from '@rescind/core'

type Address = { readonly host: string; readonly port: number }

/**
 * Listens for a moment, and accepts nobody. The start does this before it makes or migrates anything, so that an address
 * that is not available leaves the disk as it was. The server itself listens only once it can answer.
 * @throws SettingsRefused when the address is not available.
 */
export async function tryAddress(address: Address): Promise<void> {
  const server = createServer((socket) => socket.destroy())
  try {
    server.listen({ host: address.host, port: address.port })
    await once(server, 'listening')
  } catch (error) {
    throw addressRefused(address, error)
  }
  server.close()
  await once(server, 'close')
}

export function addressRefused({ host, port }: Address, error: unknown): SettingsRefused {
  const reason = error instanceof Error ? error.message : String(error)
  const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
  const next = isTaken
    ? 'stop what listens there, or choose another with --listen'
    : 'choose another with --listen'
  return new SettingsRefused(`listen: ${host}:${port}: ${reason} (${next})`)
}
