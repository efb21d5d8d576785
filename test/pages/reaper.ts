import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** The last line it is told names the groups. It reads to the end, which comes when the process that writes has ended. */
const REAP = `while read -r line; do groups=$line; done
for group in $groups; do kill -KILL -- "-$group"; done`

/** Kills process groups when it is closed, or when this process has ended: by SIGKILL, too, which runs no handler. */
export class Reaper {
  // A session of its own: what ends the group of this process spares it.
  readonly #bash: ChildProcess = spawn('bash', ['--noprofile', '--norc', '-c', REAP], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })

  /** Replaces the groups that it kills. */
  watch(groups: readonly number[]): void {
    this.#bash.stdin?.write(`${groups.join(' ')}\n`)
  }

  async close(): Promise<void> {
    const exit = once(this.#bash, 'exit')
    this.#bash.stdin?.end()
    await exit
  }
}
