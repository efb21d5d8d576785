import type { Realm } from '@rescind/authority'
import { DEFAULT_REALM } from '@rescind/core'

/** The URLs by which clients reach this server. */
export class Bases {
  readonly #publicUrl: string | undefined
  /** The origin that the server listens at; empty until it listens. */
  origin = ''

  constructor(publicUrl: string | undefined) {
    this.#publicUrl = publicUrl
  }

  /** The path of the public URL, without a slash at its end; empty for none. */
  get publicPath(): string {
    const { pathname } = new URL(this.#publicUrl ?? 'http://none')
    return pathname === '/' ? '' : pathname
  }

  /** Of the server itself, without a slash at its end. */
  get base(): string {
    return this.#publicUrl ?? this.origin
  }

  of({ name }: Realm): string {
    const { base } = this
    return name === DEFAULT_REALM ? base : `${base}/realms/${name}`
  }
}
