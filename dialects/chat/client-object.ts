import { defined, formatInstant } from '@rescind/core/bytes'
import type { ChatClient } from './directory.ts'

type Stored = { readonly version: number; readonly value: ChatClient }

/** A client as the vendor's servers show it, without tokens. `__v` counts its changes from 0. */
export function clientObject({ version, value }: Stored): Readonly<Record<string, unknown>> {
  const { app, id, nickname, avatarUrl, members, updatedAtMs } = value
  return {
    _id: id,
    id,
    __v: version - 1,
    appID: app,
    ...defined({ nickname, avatarUrl }),
    ...members,
    updatedAt: formatInstant(updatedAtMs),
    isRobot: false,
    mute: [],
  }
}
