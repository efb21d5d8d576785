import { MODULES } from '@rescind/server'
import { type Setting, type SettingTable, settingsIn } from '../../server/config/setting.ts'
import { SERVER_SETTINGS } from '../../server/config/settings.ts'
import { CONFIG_FILE } from '../../server/config/sources.ts'
import { code, markdown, type Page, table, WRITTEN } from './markdown.ts'

const GROUPS: readonly (readonly [title: string, settings: SettingTable])[] = [
  ['The server', SERVER_SETTINGS],
  ...MODULES.map(({ title, settings }) => [`The ${title} dialect`, settings] as const),
]

export function settingsPage(): Page {
  const groups = GROUPS.map(([title, settings]) => [title, settingsIn(settings)] as const)
  return {
    path: 'reference/settings.md',
    text: markdown([
      '# Settings',
      `Every setting of \`rescind serve\`. ${WRITTEN}`,
      `A flag wins over the environment, the environment over \`${CONFIG_FILE}\` in the working directory, and the file over the
default. The file is one JSON object whose members are the names in the first column. Anything unknown is refused with one
line and exit code 2. \`rescind config explain\` prints each setting, its value and where the value came from.`,
      ...groups.flatMap(([title, settings]) => [`## ${title}`, table(COLUMNS, settings.map(row))]),
      '## Settings that take safety away',
      `The server warns about each of these at the start, and the gauge \`rescind_insecure_settings\` is 1 for it.`,
      table(
        ['setting', 'unsafe', 'what you give up'],
        groups.flatMap(([, all]) => all.flatMap(unsafeRow)),
      ),
    ]),
  }
}

const COLUMNS = ['name', 'flag', 'environment', 'default', 'meaning']

/** The file must not hold a secret, nor must the command line: such a setting has neither a name there nor a flag. */
function row({ name, flag, environment, fallback, help }: Setting): readonly string[] {
  return [
    flag === undefined ? '–' : code(name),
    flag === undefined ? '–' : code(flag),
    code(environment),
    fallback === undefined ? 'none' : code(fallback),
    help,
  ]
}

function unsafeRow({ name, insecure }: Setting): readonly (readonly string[])[] {
  return insecure === undefined ? [] : [[code(name), insecure.at, insecure.why]]
}
