import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Each file with its rights and the hash of its bytes. If they are equal before and after, the folder is untouched. */
export function folderState(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const path = join(folder, name)
      const stat = statSync(path)
      const content = stat.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'folder'
      return `${name} ${modeOf(path)} ${content}`
    })
}

/** Rights as `600`. */
export function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8)
}
