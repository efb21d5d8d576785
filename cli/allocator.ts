/**
 * Password hashing takes 19 MiB at a time, on each of four threads. By default glibc raises its thresholds when the first
 * block is freed, and then keeps later ones for good in each thread's arena: about 60 MB in an idle server. Fixed thresholds
 * make it return freed memory.
 */
const ALLOCATOR = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '1048576',
  MALLOC_TRIM_THRESHOLD_: '1048576',
}

/** Without it, V8's young generation grows to 32 MiB and stays there; measured, this is no slower. Later flags override it. */
const NURSERY = '--max-semi-space-size=8'

/** SIGUSR1 would open a debugger's port, and access to it gives control of the process and all its keys. */
const NO_DEBUGGER = '--disable-sigusr1'

/**
 * Restarts this process with an allocator that returns memory, which reads its environment only at the start. Does nothing if
 * that is already set, on systems other than Linux, or with a channel to a parent, which would be lost.
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
