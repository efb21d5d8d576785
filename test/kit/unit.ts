import { read } from '../tidy/tree.ts'

/** The page that shows the unit of systemd. */
export const UNIT_PAGE = 'docs/run/deploy.md'

export function unitText(): string {
  const unit = /```ini file=rescind\.service\n([\s\S]*?)```/.exec(read(UNIT_PAGE).text)?.[1]
  if (unit === undefined) throw new Error(`${UNIT_PAGE} shows no unit`)
  return unit
}

/** What the unit puts into the environment. */
export function unitEnvironment(): Readonly<Record<string, string>> {
  const lines = [...unitText().matchAll(/^Environment=(.*)$/gm)].map(([, line = '']) => line)
  const settings = lines.flatMap((line) => (line.startsWith('"') ? [line.slice(1, -1)] : line.split(' ')))
  return Object.fromEntries(
    settings.map((setting) => {
      const [name = '', ...value] = setting.split('=')
      return [name, value.join('=')]
    }),
  )
}
