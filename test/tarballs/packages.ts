/** Import this before publint and attw, because they are not part of the root's `npm ci`. */
import { installPackages } from '../kit/own-packages.ts'

installPackages('test/tarballs')
