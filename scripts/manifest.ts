/** What a package.json of a clone may hold, as far as publishing changes it. */
export type Manifest = {
  readonly exports?: Readonly<Record<string, string>>
  readonly scripts?: object
  readonly dependencies?: object
  readonly devDependencies?: object
}

type Published = { readonly room: string; readonly repository: string | undefined }

/** The manifest of a package as it is published: its doors lead to compiled code. */
export function publishedManifest(own: Manifest, { room, repository }: Published): object {
  const { exports: doors, scripts: _, devDependencies: __, ...kept } = own
  const said = repository === undefined ? {} : { repository: repositoryOf(repository, room) }
  return { ...kept, ...said, ...(doors === undefined ? {} : compiledDoors(doors)) }
}

function repositoryOf(url: string, room: string): object {
  return { type: 'git', url: url.startsWith('https:') ? `git+${url}` : url, directory: room }
}

/** Tools that do not read `exports` find the main door by `main` and `types`, and the others by their folders. */
function compiledDoors(doors: Readonly<Record<string, string>>): object {
  const compiled = Object.entries(doors).map(([door, source]) => {
    const file = source.slice(0, -'.ts'.length)
    return [door, { types: `${file}.d.ts`, default: `${file}.js` }]
  })
  return { main: './index.js', types: './index.d.ts', exports: Object.fromEntries(compiled) }
}
