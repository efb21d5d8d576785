import { type Members, membersOf, textOf } from '../../remote/members.ts'
import { realmWords, shellWord, targetWords } from '../../targets/ready-line.ts'

type Naming = {
  /** How this program is called. */
  readonly program: string
  /** The realm that commands act in without --realm. */
  readonly usual: string | undefined
}

/** The command that ends a finding, without any secret in it; undefined where nothing is to be ended. */
export function endingCommand(finding: Members, { program, usual }: Naming): string | undefined {
  const words = endingWords(finding)
  if (words === undefined) return undefined
  return [program, ...words, ...realmWords(textOf(finding['realm']), usual)].join(' ')
}

function endingWords(finding: Members): readonly string[] | undefined {
  const id = shellWord(textOf(finding['id']))
  const [kind, state, source] = [finding['kind'], finding['state'], textOf(finding['source'])]
  if (kind === 'approval' && state === 'waiting') return ['approvals show', id]
  if (kind === 'hold' && (state === 'open' || state === 'held')) return ['hold revoke', id]
  // Its credentials end with it, and its password if that is asked for.
  if (kind === 'user' && source === 'identity') return ['end user', id]
  if (finding['target'] === undefined) return undefined
  const target = membersOf(finding['target'])
  const handle = textOf(target['handle'])
  return ['revoke', handle === '' ? targetWords(target) : shellWord(handle)]
}
