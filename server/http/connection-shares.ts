import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { addressShare } from '@rescind/dialects'

export type ConnectionBounds = {
  /** Open connections of the process. */
  readonly max: number
  /** How many of them one address may have. */
  readonly perAddressMax: number
  /** This many are kept for addresses that have few. */
  readonly reserved: number
  readonly fewMax: number
}

const CONNECTION_BOUNDS: ConnectionBounds = {
  max: 10_000,
  perAddressMax: 5_000,
  reserved: 1_000,
  fewMax: 100,
}

/** Decides which connections stay open. One address must not take all of them, neither busy nor idle. */
export class ConnectionShares {
  readonly #bounds: ConnectionBounds
  readonly #isProxy: (address: string) => boolean
  readonly #open: Map<string, number> = new Map()
  #count = 0

  /** @param isProxy whether many clients share this address; the bound per address does not apply to it. */
  constructor(isProxy: (address: string) => boolean, bounds: ConnectionBounds = CONNECTION_BOUNDS) {
    this.#bounds = bounds
    this.#isProxy = isProxy
  }

  attach(server: Server): void {
    server.maxConnections = this.#bounds.max
    server.prependListener('connection', (socket: Socket) => {
      const leave = this.enter(socket.remoteAddress ?? '')
      if (leave === undefined) socket.destroy()
      else socket.once('close', leave)
    })
  }

  /** @returns a function to call when the connection closes; undefined when the connection is one too many. */
  enter(address: string): (() => void) | undefined {
    const share = addressShare(address)
    const mine = this.#open.get(share) ?? 0
    const { max, reserved, perAddressMax, fewMax } = this.#bounds
    const most = this.#count >= max - reserved ? fewMax : perAddressMax
    if (mine >= most && !this.#isProxy(address)) return undefined
    this.#count += 1
    this.#open.set(share, mine + 1)
    return () => {
      this.#count -= 1
      const left = (this.#open.get(share) ?? 1) - 1
      if (left === 0) this.#open.delete(share)
      else this.#open.set(share, left)
    }
  }
}
