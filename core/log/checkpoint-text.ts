import { hmacSha256, sameDigest } from '../crypto/digests.ts'
import { ORDINAL_MAX, type Position, position, SEQ_MAX } from '../position.ts'

/**
 * A point in a realm's log that can be compared with another log: the epoch's random id and the chain value tell apart two
 * histories with the same numbers.
 */
export type Checkpoint = {
  readonly ordinal: number
  readonly epochId: string
  readonly seq: number
  /** The chain value after row `seq`, base64url, 43 characters. */
  readonly chain: string
}

const EPOCH_ID = /^[A-Za-z0-9_-]{1,64}$/
const NUMBER = /^(?:0|[1-9][0-9]{0,12})$/
const HASH_CHARS = 43
const HASH = /^[A-Za-z0-9_-]{43}$/

export function positionOf({ ordinal, seq }: Checkpoint): Position {
  return position(ordinal, seq)
}

/**
 * `ordinal.epochId.seq.chain.tag`. The tag is an HMAC under a key of the realm: a checkpoint that the store has not reached
 * proves a rollback, so it must not be forgeable.
 */
export function checkpointText(checkpoint: Checkpoint, key: Uint8Array): string {
  const text = untagged(checkpoint)
  return `${text}.${tagOf(text, key)}`
}

/** @returns undefined when the text is not a checkpoint or its tag is not by this key: it proves nothing. */
export function parseCheckpoint(text: string, key: Uint8Array): Checkpoint | undefined {
  const checkpoint = readCheckpoint(text)
  if (checkpoint === undefined) return undefined
  const tag = text.slice(text.lastIndexOf('.') + 1)
  return sameDigest(tag, tagOf(untagged(checkpoint), key)) ? checkpoint : undefined
}

/** The parts of a checkpoint from an authenticated server; only the server can check the tag. */
export function readCheckpoint(text: string): Checkpoint | undefined {
  const parts = text.split('.')
  const [ordinalText = '', epochId = '', seqText = '', chain = '', tag = ''] = parts
  if (parts.length !== 5 || !NUMBER.test(ordinalText) || !NUMBER.test(seqText)) return undefined
  if (!EPOCH_ID.test(epochId) || !HASH.test(chain) || tag.length !== HASH_CHARS) return undefined
  const [ordinal, seq] = [Number(ordinalText), Number(seqText)]
  return ordinal > ORDINAL_MAX || seq > SEQ_MAX ? undefined : { ordinal, epochId, seq, chain }
}

function untagged({ ordinal, epochId, seq, chain }: Checkpoint): string {
  return `${ordinal}.${epochId}.${seq}.${chain}`
}

function tagOf(text: string, key: Uint8Array): string {
  return hmacSha256(key, `position:${text}`).toString('base64url')
}
