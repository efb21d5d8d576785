import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'

/** The load generator's core, and the core of each server's main thread. Other threads run on any core. */
const GENERATOR_CORE = 0
const SERVER_CORE = 1
const ALL_CORES = `0-${cpus().length - 1}`
let isPinned = false

/**
 * Pins the load generator to its own core, apart from the thread that it measures. Otherwise the scheduler may move the
 * server to the generator's core, which halves some runs and not others. @returns whether the system allows it.
 */
export function pinGenerator(): boolean {
  isPinned = pin(process.pid, GENERATOR_CORE)
  return isPinned
}

/** A command that may use every core. Without this, the processes of a pinned generator inherit its core. */
export function everywhere(command: string, words: readonly string[]): readonly [string, readonly string[]] {
  return isPinned ? ['taskset', ['-c', ALL_CORES, command, ...words]] : [command, words]
}

/** Pins the main thread of a server to its core; its other threads stay free. */
export function pinServer(pid: number): void {
  pin(pid, SERVER_CORE)
}

function pin(pid: number, core: number): boolean {
  if (cpus().length < 2) return false
  // Without util-linux, or where the system forbids pinning, nothing is pinned.
  return spawnSync('taskset', ['-cp', String(core), String(pid)], { stdio: 'ignore' }).status === 0
}
