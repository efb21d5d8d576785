import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, rmSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { WrongUse } from '../frame/failure.ts'

/**
 * Writes what comes into a new file that only this user can read; the file is there once it is whole.
 * @returns its bytes. @throws WrongUse when the file exists; whatever the chunks throw.
 */
export async function savePrivately(path: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  if (existsSync(path)) throw exists(path)
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  const file = await open(draft, 'wx', 0o600)
  try {
    const bytes = await written(file, chunks)
    linkSync(draft, path)
    return bytes
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'EEXIST' ? exists(path) : error
  } finally {
    await file.close()
    rmSync(draft, { force: true })
  }
}

async function written(file: FileHandle, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0
  for await (const chunk of chunks) {
    await file.writeFile(chunk)
    bytes += chunk.length
  }
  await file.sync()
  return bytes
}

function exists(path: string): WrongUse {
  return new WrongUse(`${path} exists`, 'name another file: nothing is overwritten')
}
