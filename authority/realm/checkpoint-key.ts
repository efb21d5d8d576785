import { subkey } from '../keys/sealing.ts'
import { KEY_PURPOSES } from '../kinds.ts'

/** Keys already derived: every verdict of the control API carries a checkpoint. */
const checkpointKeys: WeakMap<Uint8Array, Buffer> = new WeakMap()

/** The key that tags a realm's checkpoints, so that they cannot be forged. */
export function checkpointKeyOf(sealKey: Uint8Array): Buffer {
  const known = checkpointKeys.get(sealKey)
  if (known !== undefined) return known
  const made = subkey(sealKey, KEY_PURPOSES.checkpoints)
  checkpointKeys.set(sealKey, made)
  return made
}
