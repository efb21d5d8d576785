import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { SettingsRefused } from '@rescind/core'

export type ReadLimit = { readonly maxBytes: number; readonly why: string }

/**
 * Reads a file at start. A pipe would block the start without a message, and a device has no end, so the file is opened
 * without blocking, and the open descriptor, not the path, is checked to be a regular file.
 * @param name of the setting. @throws SettingsRefused
 */
export function readRegularFile(name: string, path: string, limit?: ReadLimit): Buffer {
  let file: number | undefined
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    const about = fstatSync(file)
    if (!about.isFile())
      throw new SettingsRefused(`${name}: ${path} is a folder, a pipe or a device; give a file`)
    if (limit !== undefined && about.size > limit.maxBytes)
      throw new SettingsRefused(`${name}: ${path} is larger than ${limit.maxBytes} bytes: ${limit.why}`)
    return readFileSync(file)
  } catch (error) {
    if (error instanceof SettingsRefused) throw error
    throw new SettingsRefused(`${name}: ${path} cannot be read`)
  } finally {
    if (file !== undefined) closeSync(file)
  }
}
