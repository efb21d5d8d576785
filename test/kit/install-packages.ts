/** `npm run packages`: brings what the interop tests and the benchmarks need, before their types are checked. */
import { installPackages, OWN_PACKAGES } from './own-packages.ts'

installPackages(...OWN_PACKAGES)
