import { subkey } from '../keys/sealing.ts'
import { KEY_PURPOSES } from '../kinds.ts'

/** Every verdict of the control API bears a checkpoint: its key is derived once, not for each. */
const checkpointKeys: WeakMap<Uint8Array, Buffer> = new WeakMap()

/** Checkpoints that a realm hands out bear a tag under this key, so that nobody else can make one. */
export function checkpointKeyOf(sealKey: Uint8Array): Buffer {
  const known = checkpointKeys.get(sealKey)
  if (known !== undefined) return known
  const made = subkey(sealKey, KEY_PURPOSES.checkpoints)
  checkpointKeys.set(sealKey, made)
  return made
}
