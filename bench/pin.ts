import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'

/** The load generator's core, and the core of each server's main thread; its other threads run where there is room. */
const GENERATOR_CORE = 0
const SERVER_CORE = 1

/**
 * Keeps the generator and the thread that it measures apart. Left alone, a scheduler that moves a server to where its
 * requests come from halves one run and not the next. @returns whether the machine lets us.
 */
export function pinGenerator(): boolean {
  return pin(process.pid, String(GENERATOR_CORE), '-cp')
}

/** A server inherits the generator's core: all its threads are set free, and then its main one is pinned. */
export function pinServer(pid: number): void {
  pin(pid, `0-${cpus().length - 1}`, '-acp')
  pin(pid, String(SERVER_CORE), '-cp')
}

function pin(pid: number, cores: string, how: '-cp' | '-acp'): boolean {
  if (cpus().length < 2) return false
  // Without util-linux, or where the system forbids it, everything runs where it likes.
  return spawnSync('taskset', [how, cores, String(pid)], { stdio: 'ignore' }).status === 0
}
