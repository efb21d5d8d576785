import { join } from 'node:path'
import { installPackages } from '../kit/own-packages.ts'
import { showExhibits } from '../museum/exhibits.ts'

installPackages('test/postgres')
showExhibits(join(import.meta.dirname, '../museum/postgres'))
