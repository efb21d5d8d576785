type MetricShape = {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly help: string
}

export type MetricName =
  | 'rescind_answers_total'
  | 'rescind_denials_total'
  | 'rescind_answer_seconds'
  | 'rescind_commit_seconds'
  | 'rescind_fsync_seconds'
  | 'rescind_group_writes'
  | 'rescind_propagation_seconds'
  | 'rescind_feed_subscribers'
  | 'rescind_verifier_instances'
  | 'rescind_holds_open'
  | 'rescind_approvals_open'
  | 'rescind_units_waiting'
  | 'rescind_index_entries'
  | 'rescind_index_bytes'
  | 'rescind_rules_kept_for_good'
  | 'rescind_store_broken'
  | 'rescind_nodes'
  | 'rescind_node_lag_seconds'
  | 'rescind_heartbeat_age_seconds'
  | 'rescind_acknowledgements_waiting'
  | 'rescind_groups_total'
  | 'rescind_group_retries_total'
  | 'rescind_unknown_outcomes_total'
  | 'rescind_upkeep_owner'
  | 'rescind_logs_rolled_back'
  | 'rescind_log_lines_dropped_total'
  | 'rescind_event_loop_delay_seconds'
  | 'rescind_insecure_settings'
  | 'rescind_troubles'
  | 'rescind_clock_drift_seconds'
  | 'rescind_index_differences'
  | 'rescind_index_removed_early_total'
  | 'rescind_index_checks_total'

/** Every metric of our own, in the order of `/metrics`. Dashboards and alerts depend on the names and labels. */
export const METRICS: Readonly<Record<MetricName, MetricShape>> = {
  rescind_answers_total: {
    type: 'counter',
    labels: ['route', 'status'],
    help: 'Answers by route template and status',
  },
  rescind_denials_total: {
    type: 'counter',
    labels: ['route', 'status'],
    help: 'Refused credentials and rights by route template and status',
  },
  rescind_answer_seconds: {
    type: 'histogram',
    labels: ['route'],
    help: 'From a request that was read to its answer, by route template; of a stream to its beginning',
  },
  rescind_commit_seconds: {
    type: 'histogram',
    labels: [],
    help: 'How long the store took to make a group of writes durable',
  },
  rescind_fsync_seconds: {
    type: 'histogram',
    labels: [],
    help: 'The part of it in which the disk was waited for; on SQLite only',
  },
  rescind_group_writes: { type: 'histogram', labels: [], help: 'Writes in one group' },
  rescind_propagation_seconds: {
    type: 'histogram',
    labels: [],
    help: 'From the commit of a row to its acknowledgement by a verifier: of each acknowledgement the oldest row in it',
  },
  rescind_feed_subscribers: {
    type: 'gauge',
    labels: [],
    help: 'Streams of the feed that are open at this node',
  },
  rescind_verifier_instances: {
    type: 'gauge',
    labels: ['state'],
    help: 'Running verifiers by how they stand to the end of the log, of the realms that are open here, at whichever node they are',
  },
  rescind_holds_open: {
    type: 'gauge',
    labels: [],
    help: 'Holds in force, all realms; at most 10 s old',
  },
  rescind_approvals_open: {
    type: 'gauge',
    labels: [],
    help: 'Requests that wait for a second person, all realms; at most 10 s old',
  },
  rescind_units_waiting: { type: 'gauge', labels: [], help: 'Writes that wait for a flush' },
  rescind_index_entries: {
    type: 'gauge',
    labels: [],
    help: 'Exact targets that the indexes of all realms hold as ended',
  },
  rescind_index_bytes: {
    type: 'gauge',
    labels: [],
    help: 'Bytes of the tables of ended targets, all realms',
  },
  rescind_rules_kept_for_good: {
    type: 'gauge',
    labels: ['names'],
    help: 'Rules that never leave the index, by what they name, all realms (docs/issuers.md)',
  },
  rescind_store_broken: {
    type: 'gauge',
    labels: [],
    help: '1 from a failed flush until the store is opened again',
  },
  rescind_nodes: {
    type: 'gauge',
    labels: [],
    help: 'Nodes on the same PostgreSQL as of the last heartbeat, this one and those that ended without a word included',
  },
  rescind_node_lag_seconds: {
    type: 'gauge',
    labels: [],
    help: 'Time since this node sent the last heartbeat that it has folded; past --node-bound requests wait, past 2 s streams end',
  },
  rescind_heartbeat_age_seconds: {
    type: 'gauge',
    labels: [],
    help: 'Time since PostgreSQL last answered a heartbeat of this node; when the lag is longer, the logs cannot be read',
  },
  rescind_acknowledgements_waiting: {
    type: 'gauge',
    labels: [],
    help: 'Revocations and changes that are written, and whose answers wait until every node has heard of them',
  },
  rescind_groups_total: {
    type: 'counter',
    labels: [],
    help: 'Groups of writes that this node has handed to PostgreSQL',
  },
  rescind_group_retries_total: {
    type: 'counter',
    labels: [],
    help: 'Tries of groups that wrote nothing and were repeated: a lock that was not had in time, a deadlock',
  },
  rescind_unknown_outcomes_total: {
    type: 'counter',
    labels: [],
    help: 'Tries of groups whose outcome had to be looked up: a connection that was lost, a notice of PostgreSQL',
  },
  rescind_upkeep_owner: {
    type: 'gauge',
    labels: [],
    help: '1 on the node that does the upkeep; always 1 on the embedded store',
  },
  rescind_logs_rolled_back: {
    type: 'gauge',
    labels: [],
    help: 'Realms whose log was proved to have been rolled back: nothing is acknowledged in them until a new epoch',
  },
  rescind_log_lines_dropped_total: {
    type: 'counter',
    labels: [],
    help: 'Log lines that standard output did not take in time',
  },
  rescind_event_loop_delay_seconds: {
    type: 'histogram',
    labels: [],
    help: 'By how much the event loop was late, sampled a hundred times a second: how long its turns are',
  },
  rescind_insecure_settings: {
    type: 'gauge',
    labels: ['setting'],
    help: '1 for a setting that takes safety away; every setting that can is listed',
  },
  rescind_troubles: {
    type: 'gauge',
    labels: ['code'],
    help: 'Things that are out of order, by code; GET /readyz says what to do. Every code is listed',
  },
  rescind_clock_drift_seconds: {
    type: 'gauge',
    labels: [],
    help: 'How far the wall clock has moved against the monotonic one; beyond 60, either way, collection stops',
  },
  rescind_index_differences: {
    type: 'gauge',
    labels: ['what'],
    help: 'Entries in which an index differs from its log, by the last check of each realm; above 0, see GET /readyz',
  },
  rescind_index_removed_early_total: {
    type: 'counter',
    labels: [],
    help: 'Rules that left an index before their time; above 0, see GET /readyz',
  },
  rescind_index_checks_total: {
    type: 'counter',
    labels: [],
    help: 'Indexes that were compared with their whole log since the start',
  },
}
