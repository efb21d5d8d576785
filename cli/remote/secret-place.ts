import type { Call } from '../frame/call.ts'
import { WrongUse } from '../frame/failure.ts'
import { isObject } from './answers.ts'
import { reservePrivateFile } from './private-files.ts'

/** Where a secret goes that a server shows once. */
export type SecretPlace = {
  /** @returns the answer without its secrets, if a file has them. */
  readonly keep: (answer: unknown) => { readonly record: unknown; readonly secretFile: string | undefined }
  /** Forgets the file that was made ready, unless a secret is in it. */
  readonly drop: () => void
}

/**
 * Decided before anything is created: a secret that cannot be kept is lost.
 * @param members of the answer that are secrets. @throws WrongUse when it is not said, or the file exists.
 */
export function secretPlace(call: Call, members: readonly string[]): SecretPlace {
  const path = call.text('secret-file')
  if (path === undefined) {
    if (!call.isOn('show-secret'))
      throw new WrongUse(
        'this makes a secret, which is shown once',
        'say where it goes: --secret-file FILE, or --show-secret to print it',
      )
    return { keep: (record) => ({ record, secretFile: undefined }), drop: () => undefined }
  }
  const file = reservePrivateFile(path)
  return {
    keep: (answer) => {
      const secrets = isObject(answer) ? members.filter((name) => typeof answer[name] === 'string') : []
      if (!isObject(answer) || secrets.length === 0) return { record: answer, secretFile: undefined }
      file.write(`${secrets.map((name) => answer[name]).join('\n')}\n`)
      const left = Object.entries(answer).filter(([name]) => !secrets.includes(name))
      return { record: Object.fromEntries(left), secretFile: path }
    },
    drop: () => file.drop(),
  }
}
