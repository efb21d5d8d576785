import { type Line, paint, pairs, table } from '../../frame/lines.ts'
import { timeText } from '../../frame/times.ts'
import { listOf, type Members, membersOf, numberOf, textOf } from '../../remote/members.ts'

/** The numbers of a realm for people, and those of the node that answered. */
export function statsLines(stats: Members): readonly Line[] {
  const cluster = membersOf(stats['cluster'])
  const node = stats['node'] === undefined ? [] : ['', ...nodeLines(membersOf(stats['node']))]
  return [
    paint('bold', `Realm ${textOf(stats['realm'])}, ${timeText(textOf(stats['at']))}`),
    ...clusterLines(cluster),
    ...node,
  ]
}

function clusterLines(cluster: Members): readonly Line[] {
  const { nodes, log, tokens, revocations } = cluster
  const verifiers = membersOf(cluster['verifiers'])
  const perSource = listOf(membersOf(tokens)['sources']).map(
    ({ source, live }) => `${textOf(source)} ${textOf(live)}`,
  )
  const sources = perSource.length === 0 ? '' : ` (${perSource.join(', ')})`
  return pairs([
    ['nodes', textOf(nodes)],
    ['log', `row ${textOf(membersOf(log)['seq'])} of epoch ${textOf(membersOf(log)['epoch'])}`],
    ['live tokens', `${atLeast(membersOf(tokens), 'live')}${sources}`],
    ['revocations', listOf(revocations).map(windowWords).join(', ')],
    ['holds', `${openOf(cluster, 'holds')} open`],
    ['approvals', `${openOf(cluster, 'approvals')} waiting`],
    ['schedules', `${openOf(cluster, 'schedules')} waiting`],
    ['bulk calls', `${atLeast(membersOf(cluster['bulk']), 'unfinished')} unfinished`],
    ['verifiers', `${atLeast(verifiers, 'registered')} registered, ${instancesWords(verifiers)}`],
  ])
}

function openOf(cluster: Members, name: string): string {
  return atLeast(membersOf(cluster[name]), 'open')
}

function instancesWords(verifiers: Members): string {
  const count = (name: string): string => textOf(verifiers[name])
  return `${count('instances')} instances: ${count('applied')} up to date, ${count('behind')} behind, ${count('lapsed')} lapsed`
}

function atLeast(of: Members, member: string): string {
  return `${of['complete'] === false ? 'at least ' : ''}${textOf(of[member])}`
}

function windowWords(one: Members): string {
  return `${atLeast(one, 'rules')} in ${durationWords(numberOf(one['windowSeconds']))}`
}

function durationWords(seconds: number): string {
  if (seconds % 3_600 === 0) return `${seconds / 3_600} h`
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`
}

const HEADS = ['requests', 'a second', 'refused', 'failed', 'p50 ms', 'p99 ms']

function nodeLines(node: Members): readonly Line[] {
  const rows = listOf(node['requests']).map((one) => [
    textOf(one['class']),
    ...['perSecond', 'refusedPerSecond', 'failedPerSecond'].map((name) => numberOf(one[name]).toFixed(1)),
    ...['p50Ms', 'p99Ms'].map((name) => textOf(one[name]) || 'beyond all bounds'),
  ])
  const window = durationWords(numberOf(node['windowSeconds']))
  return [
    paint('bold', `Node ${textOf(node['node'])}, all realms, the last ${window}`),
    ...table(HEADS, rows, 'No requests.'),
    ...pairs([
      ['writes waiting', textOf(node['writesWaiting'])],
      ['feed subscribers', textOf(node['feedSubscribers'])],
      ['troubles', textOf(node['troubles'])],
    ]),
  ]
}
