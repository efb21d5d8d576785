import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'

/** The load generator's core, and the core of each server's main thread; its other threads run where there is room. */
const GENERATOR_CORE = 0
const SERVER_CORE = 1
const ALL_CORES = `0-${cpus().length - 1}`
let isPinned = false

/**
 * Keeps the generator and the thread that it measures apart. Left alone, a scheduler that moves a server to where its
 * requests come from halves one run and not the next. @returns whether the machine lets us.
 */
export function pinGenerator(): boolean {
  isPinned = pin(process.pid, GENERATOR_CORE)
  return isPinned
}

/** A command that runs where there is room: whatever a pinned generator starts would be kept to its core otherwise. */
export function everywhere(command: string, words: readonly string[]): readonly [string, readonly string[]] {
  return isPinned ? ['taskset', ['-c', ALL_CORES, command, ...words]] : [command, words]
}

/** From now on the main thread of a server has its core; the other ones stay where they like. */
export function pinServer(pid: number): void {
  pin(pid, SERVER_CORE)
}

function pin(pid: number, core: number): boolean {
  if (cpus().length < 2) return false
  // Without util-linux, or where the system forbids it, everything runs where it likes.
  return spawnSync('taskset', ['-cp', String(core), String(pid)], { stdio: 'ignore' }).status === 0
}
