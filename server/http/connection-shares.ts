import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { addressShare } from '@rescind/dialects'

export type ConnectionBounds = {
  /** Open connections of the process. */
  readonly max: number
  /** Of these, those of one address. */
  readonly perAddressMax: number
  /** The last ones are for addresses that have few. */
  readonly reserved: number
  readonly fewMax: number
}

const CONNECTION_BOUNDS: ConnectionBounds = {
  max: 10_000,
  perAddressMax: 5_000,
  reserved: 1_000,
  fewMax: 100,
}

/** Which connections stay open: one address must not take all of them, with requests or with silence. */
export class ConnectionShares {
  readonly #bounds: ConnectionBounds
  readonly #isProxy: (address: string) => boolean
  readonly #open: Map<string, number> = new Map()
  #count = 0

  /** @param isProxy whether an address speaks for others: it has no bound of its own. */
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

  /** @returns what is to be called when the connection is closed; undefined for one too many. */
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
