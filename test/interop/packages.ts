/** Import this before any client, because the clients are not part of the root's `npm ci`. */
import { installPackages } from '../kit/own-packages.ts'

installPackages('test/interop')
