/** Why a fenced block of a page is not run or compared; each use is printed by the test. */
export const REASONS = {
  picture: 'a drawing or a formula, which no command prints',
  shape: 'the form of a request, an answer or a file, with names in the place of values',
  program:
    'a part of a service; test/tarballs/packed.test.ts compiles each, and runs those that protect an app',
  systemd: 'needs systemd',
  cluster: 'needs a cluster',
  containers: 'needs a container engine; test/faults/compose.test.ts checks the file that it reads',
  cloud: 'needs an account elsewhere',
  registry: 'needs packages that are not published',
  tests: 'runs the tests, this one among them',
  measurement: 'measures for minutes, and means nothing on a busy machine',
  workshop: 'changes the clone itself or goes on until it is stopped; CI or another test runs it',
} as const

export type Reason = keyof typeof REASONS

export function isReason(text: string): text is Reason {
  return Object.hasOwn(REASONS, text)
}
