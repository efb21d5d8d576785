import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Home } from '../../kit/server.ts'

/** A home on its own disk, which a test can fill. */
export type SmallDisk = { readonly home: Home; readonly fill: () => void; readonly free: () => void }

const FILL_CHUNK_BYTES = 65_536
const PAGE_BYTES = 4_096

/** @returns the reason, on machines that do not permit mounting. */
export function mountSmallDisk(sizeKib: number): SmallDisk | string {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeKib}k`, 'tmpfs', folder], {
    encoding: 'utf8',
  })
  if (mounted.status !== 0) {
    rmSync(folder, { recursive: true })
    return `a disk to fill cannot be mounted: ${(mounted.stderr ?? mounted.error?.message ?? '').trim()}`
  }
  const remove = (): void => {
    execFileSync('umount', ['-l', folder])
    rmSync(folder, { recursive: true })
  }
  const files: string[] = []
  return {
    home: { folder, remove },
    fill: () => {
      for (const bytes of [FILL_CHUNK_BYTES, PAGE_BYTES]) {
        const block = Buffer.alloc(bytes)
        for (let isFull = false; !isFull; ) {
          const path = join(folder, `fill-${files.length}`)
          files.push(path)
          isFull = !hasWritten(path, block)
        }
      }
    },
    free: () => {
      for (const path of files.splice(0)) rmSync(path, { force: true })
    },
  }
}

function hasWritten(path: string, block: Buffer): boolean {
  try {
    writeFileSync(path, block)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false
    throw error
  }
}

/** Sets the size of the largest file that this process may write; `unlimited` lifts the limit. */
export function limitFileSize(pid: number, bytes: number | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`])
}

/** @returns why the limits of a running process cannot be changed here, or undefined. */
export function whyNoLimits(): string | undefined {
  const { status } = spawnSync('prlimit', ['--pid', String(process.pid), '--fsize'])
  return status === 0 ? undefined : 'there is no prlimit to change the limits of a running process with'
}
