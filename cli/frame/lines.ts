import { styleText } from 'node:util'
import { harmless } from './harmless.ts'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Text in a style, where colours are shown. */
export type Painted = { readonly text: string; readonly style: Style }

/** A piece of a line, or a cell of a table. Whatever text it holds is made harmless when it is printed. */
export type Piece = string | Painted

/** One line of human output. */
export type Line = Piece | readonly Piece[]

export function paint(style: Style, text: string): Painted {
  return { style, text }
}

/** The line as it is printed, without a line break. */
export function rendered(line: Line, hasColours: boolean): string {
  const pieces: readonly Piece[] = isPieces(line) ? line : [line]
  return pieces
    .map((piece) => {
      if (typeof piece === 'string') return harmless(piece)
      const text = harmless(piece.text)
      return hasColours ? styleText(piece.style, text, { validateStream: false }) : text
    })
    .join('')
    .trimEnd()
}

function isPieces(line: Line): line is readonly Piece[] {
  return Array.isArray(line)
}

/** Rows below bold heads, in columns padded by spaces; `none` says that there are no rows. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly Piece[])[],
  none = 'none',
): readonly Line[] {
  if (rows.length === 0) return [none]
  const all = [heads.map((head) => paint('bold', head)), ...rows]
  const widths = heads.map((_, column) =>
    Math.max(...all.map((row) => harmless(textOf(row[column] ?? '')).length)),
  )
  return all.map((row) => row.flatMap((piece, column) => [piece, ...gap(piece, column, widths)]))
}

function gap(piece: Piece, column: number, widths: readonly number[]): readonly string[] {
  if (column === widths.length - 1) return []
  return [' '.repeat((widths[column] ?? 0) - harmless(textOf(piece)).length + 2)]
}

/** Names and values, one pair a line. */
export function pairs(rows: readonly (readonly [name: string, value: Piece])[]): readonly Line[] {
  const width = Math.max(0, ...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => [paint('dim', name.padEnd(width + 2)), value])
}

function textOf(piece: Piece): string {
  return typeof piece === 'string' ? piece : piece.text
}
