import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import type { NewPassword, PasswordCheck, PasswordQuestion } from '@rescind/dialects'
import { FairQueue, type Turn } from './fair-queue.ts'

/** The cost of making and checking a hash: memory, and passes over it. */
export type PasswordCost = { readonly memoryKib: number; readonly passes: number }

/** OWASP's first choice for argon2id: 19 MiB, 2 passes, 1 lane; some 30 ms of one core. */
export const PASSWORD_COST: PasswordCost = { memoryKib: 19_456, passes: 2 }
const LANES = 1
const TAG_BYTES = 32
const SALT_BYTES = 16
/** How many logins may wait, and how many changes of passwords. */
export const PASSWORD_QUEUE_MAX = 32
/** Changes go first, but after this many in a row a login gets a turn, so that none waits forever. */
const CHANGES_IN_A_ROW = 4
const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

type Parameters = PasswordCost & {
  readonly lanes: number
  readonly salt: Buffer
  readonly tag: Buffer
}

/** @returns a PHC string: algorithm, parameters, salt and tag. */
export async function hashPassword(password: string, cost: PasswordCost = PASSWORD_COST): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const tag = await derive(password, { ...cost, lanes: LANES, salt, tag: NO_TAG })
  return `$argon2id$v=19$m=${cost.memoryKib},t=${cost.passes},p=${LANES}$${base64(salt)}$${base64(tag)}`
}

/**
 * Checks passwords one at a time on libuv's thread pool, so a flood of logins never delays validation or revocation.
 * Password changes by authenticated users, which end tokens, wait in a second queue, which goes first.
 */
export class PasswordQueue implements PasswordCheck {
  readonly #cost: PasswordCost
  readonly #logins: FairQueue = new FairQueue(PASSWORD_QUEUE_MAX, 'too many logins wait')
  readonly #changes: FairQueue = new FairQueue(PASSWORD_QUEUE_MAX, 'too many changes of passwords wait')
  #changesInARow = 0
  #busy = false

  constructor(cost: PasswordCost = PASSWORD_COST) {
    this.#cost = cost
  }

  /** @throws Overloaded when the queue is full and no share in it is larger than this one's. */
  verify(question: PasswordQuestion): Promise<boolean> {
    return this.#inTurn(question.isProved === true ? this.#changes : this.#logins, question, () =>
      check(question, this.#cost),
    )
  }

  /** Hashes a new password. That costs as much as checking one, so it waits its turn. @throws Overloaded likewise. */
  hash(given: NewPassword): Promise<string> {
    return this.#inTurn(this.#changes, given, () => hashPassword(given.password, this.#cost))
  }

  /**
   * Stops the queues. Waiting logins are refused, because a queue of them takes seconds and they can safely be tried
   * elsewhere. Changes, which end tokens, are finished.
   */
  close(): void {
    this.#logins.close()
  }

  #inTurn<T>(queue: FairQueue, turn: Turn, work: () => Promise<T>): Promise<T> {
    const done = queue.add(turn, work)
    void this.#run()
    return done
  }

  /** Never rejects: each task reports its failure to its own caller. */
  async #run(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    for (let start = this.#next(); start !== undefined; start = this.#next()) await start()
    this.#busy = false
  }

  #next(): (() => Promise<void>) | undefined {
    const isLoginsTurn = this.#changesInARow >= CHANGES_IN_A_ROW && this.#logins.size > 0
    const change = isLoginsTurn ? undefined : this.#changes.next()
    this.#changesInARow = change === undefined ? 0 : this.#changesInARow + 1
    return change ?? this.#logins.next()
  }
}

async function check({ hash, password }: PasswordQuestion, cost: PasswordCost): Promise<boolean> {
  const parameters = hash === undefined ? undefined : parse(hash)
  const tag = await derive(password, parameters ?? { ...UNKNOWN_USER, ...cost })
  return (
    parameters !== undefined && tag.length === parameters.tag.length && timingSafeEqual(tag, parameters.tag)
  )
}

const NO_TAG = Buffer.alloc(TAG_BYTES)
/** A hash that belongs to no user; checking it costs as much as checking a real one. */
const UNKNOWN_USER = { lanes: LANES, salt: Buffer.alloc(SALT_BYTES), tag: NO_TAG }

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
