import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OWN_PACKAGES } from '../kit/own-packages.ts'
import { files, read } from './tree.ts'

/** What `npm ci` brings everybody, and what only some tests and benchmarks bring. */

/** Entries of the root's lock file, one for each platform's binaries included. */
const ROOT_PACKAGES_MAX = 345
/** The clients of other clouds, and the peers that are measured: large, or with install scripts. */
const ELSEWHERE = ['aws-sdk', '@google-cloud/storage', 'pkgcloud', 'oidc-provider', '@nats-io/transport-node']

type Entry = { readonly hasInstallScript?: boolean }

function packagesOf(folder: string): ReadonlyMap<string, Entry> {
  const path = folder === '' ? 'package-lock.json' : `${folder}/package-lock.json`
  const { packages } = JSON.parse(read(path).text) as { packages: Readonly<Record<string, Entry>> }
  return new Map(Object.entries(packages).filter(([at]) => at !== ''))
}

function manifestOf(folder: string): Readonly<Record<string, Readonly<Record<string, string | boolean>>>> {
  return JSON.parse(read(folder === '' ? 'package.json' : `${folder}/package.json`).text) as never
}

test('the root installs few packages, and none that only interop tests or benchmarks use', () => {
  const places = [...packagesOf('').keys()]
  assert.ok(places.length <= ROOT_PACKAGES_MAX, `${places.length} packages`)
  const own = OWN_PACKAGES.flatMap((folder) => Object.keys(manifestOf(folder)['dependencies'] ?? {}))
  for (const name of new Set([...ELSEWHERE, ...own]))
    assert.ok(!places.some((place) => place.endsWith(`node_modules/${name}`)), name)
})

test('no package asks to run a script at installation but those that the root has decided about', () => {
  const asking = [...packagesOf('')].filter(([, { hasInstallScript }]) => hasInstallScript === true)
  const names = asking.map(([place]) => place.slice(place.lastIndexOf('node_modules/') + 13))
  const decided = Object.keys(manifestOf('')['allowScripts'] ?? {})
  // It is never installed but on macOS.
  assert.deepEqual(new Set(names.filter((name) => name !== 'fsevents')), new Set(decided))
})

test('packages of their own are outside of the workspaces, pinned, and locked', () => {
  const workspaces = Object.values(manifestOf('')['workspaces'] ?? {})
  for (const folder of OWN_PACKAGES) {
    assert.ok(!workspaces.includes(folder), folder)
    assert.ok(files().includes(`${folder}/package-lock.json`), folder)
    for (const [name, version] of Object.entries(manifestOf(folder)['dependencies'] ?? {}))
      assert.match(String(version), /^(?:\d+\.\d+\.\d+(?:-beta\.\d+)?|file:absent)$/, `${folder}: ${name}`)
  }
})
