export { STALE_POLICIES, type StalePolicy } from './contact.ts'
export { Feed, type FeedParts } from './feed.ts'
export type { Follower } from './followers.ts'
export { FORK_KIND } from './forks.ts'
export type { Format, ResetWhy } from './frames.ts'
export { type Enforcement, type InstanceView } from './instances.ts'
export { PENDING_MAX_BYTES } from './reader.ts'
export {
  ACCEPTED_MAX,
  type Acked,
  type Connected,
  type FeedCaller,
  type Polled,
  RealmFeed,
  type Refused,
} from './realm-feed.ts'
export type { StoredSnapshot } from './snapshots.ts'
