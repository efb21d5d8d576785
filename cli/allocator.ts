/**
 * Password hashing takes 19 MiB at a time, on each of four threads. By default glibc raises its thresholds when the first
 * of these is freed, and keeps the next ones for good, one in each thread's arena: some 60 MB of a server that does
 * nothing. Thresholds that are set stay, and what was freed goes back.
 */
const ALLOCATOR = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '1048576',
  MALLOC_TRIM_THRESHOLD_: '1048576',
}

/** V8's nursery grows to 32 MiB otherwise and stays so; measured, no slower. Flags of the command line come after it. */
const NURSERY = '--max-semi-space-size=8'

/** SIGUSR1 would open a debugger's port: to whoever reaches it the process, and all its keys, belong. */
const NO_DEBUGGER = '--disable-sigusr1'

/**
 * Starts this process over, as itself, with an allocator that gives memory back: it reads its environment only at the
 * start. Does nothing where that is set already, elsewhere than on Linux, or beside a channel to a parent, which would be
 * lost.
 */
export function startOverWithAllocator(): void {
  const { env, execPath, execArgv, argv, platform } = process
  if (platform !== 'linux' || process.send !== undefined || process.execve === undefined) return
  if (Object.keys(env).some((name) => name.startsWith('MALLOC_') || name === 'GLIBC_TUNABLES')) return
  process.execve(execPath, [execPath, NURSERY, NO_DEBUGGER, ...execArgv, ...argv.slice(1)], {
    ...env,
    ...ALLOCATOR,
  })
}
