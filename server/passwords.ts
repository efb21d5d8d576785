import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { Overloaded } from '@rescind/core'

/** OWASP's first choice for argon2id: 19 MiB, 2 passes, 1 lane; some 30 ms of one core. */
const MEMORY_KIB = 19_456
const PASSES = 2
const LANES = 1
const TAG_BYTES = 32
const SALT_BYTES = 16
/** Logins that may wait. They take turns by source address, so one address cannot fill everyone's queue with its own. */
const PASSWORD_QUEUE_MAX = 32
const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

type Parameters = {
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
  readonly salt: Buffer
  readonly tag: Buffer
}

/** @returns a PHC string: algorithm, parameters, salt and tag. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const tag = await derive(password, {
    memoryKib: MEMORY_KIB,
    passes: PASSES,
    lanes: LANES,
    salt,
    tag: NO_TAG,
  })
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${base64(salt)}$${base64(tag)}`
}

export type PasswordRequest = {
  /** A PHC string; undefined for a user that does not exist, who gets the same work. */
  readonly hash: string | undefined
  readonly password: string
  readonly from: string
}

/**
 * Checks passwords one at a time, off the main thread (libuv's pool), whatever floods in: validating and revoking
 * tokens never wait for logins.
 */
export class PasswordQueue {
  readonly #queues: Map<string, (() => Promise<void>)[]> = new Map()
  #waiting = 0
  #busy = false

  /** @throws Overloaded when 32 wait already. */
  verify(request: PasswordRequest): Promise<boolean> {
    return this.#inTurn(request.from, () => check(request))
  }

  /** The hash of a new password: as dear as checking one, so it takes its turn. @throws Overloaded likewise. */
  hash({ password, from }: Omit<PasswordRequest, 'hash'>): Promise<string> {
    return this.#inTurn(from, () => hashPassword(password))
  }

  async #inTurn<T>(from: string, work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= PASSWORD_QUEUE_MAX) throw new Overloaded('too many logins wait')
    return new Promise<T>((resolve, reject) => {
      const queue = this.#queues.get(from) ?? []
      this.#queues.set(from, queue)
      queue.push(() => work().then(resolve, reject))
      this.#waiting += 1
      void this.#run()
    })
  }

  /** Takes one of each address in turn. Never rejects: each task hands its failure to its own caller. */
  async #run(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    while (this.#waiting > 0) {
      for (const [from, queue] of [...this.#queues]) {
        const task = queue.shift()
        if (queue.length === 0) this.#queues.delete(from)
        if (task === undefined) continue
        await task()
        this.#waiting -= 1
      }
    }
    this.#busy = false
  }
}

async function check({ hash, password }: PasswordRequest): Promise<boolean> {
  const parameters = hash === undefined ? undefined : parse(hash)
  const tag = await derive(password, parameters ?? UNKNOWN_USER)
  return (
    parameters !== undefined && tag.length === parameters.tag.length && timingSafeEqual(tag, parameters.tag)
  )
}

const NO_TAG = Buffer.alloc(TAG_BYTES)
const UNKNOWN_USER: Parameters = {
  memoryKib: MEMORY_KIB,
  passes: PASSES,
  lanes: LANES,
  salt: Buffer.alloc(SALT_BYTES),
  tag: NO_TAG,
}

function parse(hash: string): Parameters | undefined {
  const match = PHC.exec(hash)
  if (match === null) return undefined
  const [, memory, passes, lanes, salt = '', tag = ''] = match
  return {
    memoryKib: Number(memory),
    passes: Number(passes),
    lanes: Number(lanes),
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  }
}

function derive(password: string, { memoryKib, passes, lanes, salt, tag }: Parameters): Promise<Buffer> {
  const parameters = {
    message: Buffer.from(password, 'utf8'),
    nonce: salt,
    parallelism: lanes,
    tagLength: tag.length,
    memory: memoryKib,
    passes,
  }
  return new Promise((resolve, reject) => {
    argon2('argon2id', parameters, (error, key) => {
      if (error === null) resolve(key)
      else reject(error)
    })
  })
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}
