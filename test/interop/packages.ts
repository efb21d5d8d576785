/** Imported first by what imports a client: the clients are not part of the root's `npm ci`. */
import { installPackages } from '../kit/own-packages.ts'

installPackages('test/interop')
