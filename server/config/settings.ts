/** Everything that can be configured, in one table: what `rescind config explain` prints and the README lists. */
export type SettingName =
  | 'listen'
  | 'store'
  | 'masterKeyFile'
  | 'controlKey'
  | 'publicUrl'
  | 'behindProxy'
  | 'seed'
  | 'tlsCert'
  | 'tlsKey'
  | 'sideLog'
  | 'identityRate'
  | 'identityChainRevocation'
  | 'controlRate'
  | 'issueRate'
  | 'auditRetention'
  | 'chatRate'
  | 'allowInternalFetch'
  | 'allowWeakSecrets'
  | 'authorizationEndpoint'
  | 'oauthReplaySeconds'
  | 'oauthCacheTtl'
  | 'oauthStrictHints'
  | 'signingKeyDays'
  | 'metricsOpen'
  | 'readyStrict'
  | 'logLevel'

export type Setting = {
  readonly name: SettingName
  /** Absent where a command line must not hold the value. */
  readonly flag: string | undefined
  readonly environment: string
  readonly fallback: string | undefined
  /** True or false: on by its flag alone, and a boolean in the file. */
  readonly isSwitch?: true
  readonly isSecret?: true
  readonly help: string
}

export const SETTINGS: readonly Setting[] = [
  {
    name: 'listen',
    flag: '--listen',
    environment: 'RESCIND_LISTEN',
    fallback: '127.0.0.1:8080',
    help: 'HOST:PORT to listen on; port 0 takes a free one',
  },
  {
    name: 'store',
    flag: '--store',
    environment: 'RESCIND_STORE',
    fallback: 'sqlite:./rescind-data/rescind.db',
    help: 'sqlite:PATH, or memory: (forgets everything when the server stops)',
  },
  {
    name: 'masterKeyFile',
    flag: '--master-key-file',
    environment: 'RESCIND_MASTER_KEY_FILE',
    fallback: './rescind-data/master.key',
    help: 'file of the key that wraps all others; made only with a new store',
  },
  {
    name: 'controlKey',
    flag: undefined,
    environment: 'RESCIND_CONTROL_KEY',
    fallback: undefined,
    isSecret: true,
    help: 'control key (admin, all realms) of the first start; otherwise one is made and written to control.key',
  },
  {
    name: 'publicUrl',
    flag: '--public-url',
    environment: 'RESCIND_PUBLIC_URL',
    fallback: undefined,
    help: 'URL by which clients reach this server; the OAuth issuer is below it (default: the listen address)',
  },
  {
    name: 'behindProxy',
    flag: '--behind-proxy',
    environment: 'RESCIND_BEHIND_PROXY',
    fallback: undefined,
    help: 'CIDR[,CIDR...] of proxies whose forwarded headers are believed',
  },
  {
    name: 'seed',
    flag: '--seed',
    environment: 'RESCIND_SEED',
    fallback: undefined,
    help: 'JSON file of realms, apps, clients and users to create if they never existed',
  },
  {
    name: 'tlsCert',
    flag: '--tls-cert',
    environment: 'RESCIND_TLS_CERT',
    fallback: undefined,
    help: 'PEM file with the certificate chain',
  },
  {
    name: 'tlsKey',
    flag: '--tls-key',
    environment: 'RESCIND_TLS_KEY',
    fallback: undefined,
    help: 'PEM file with the private key of the certificate',
  },
  {
    name: 'sideLog',
    flag: '--side-log',
    environment: 'RESCIND_SIDE_LOG',
    fallback: undefined,
    help: 'file, on another volume, that every revocation reaches first (docs/backup.md); off: give up the one that the store has',
  },
  {
    name: 'identityRate',
    flag: '--identity-rate',
    environment: 'RESCIND_IDENTITY_RATE',
    fallback: '50',
    help: 'requests a second that one caller of the Identity dialect may make; 0 switches the limit off',
  },
  {
    name: 'identityChainRevocation',
    flag: '--identity-chain-revocation',
    environment: 'RESCIND_IDENTITY_CHAIN_REVOCATION',
    fallback: 'false',
    isSwitch: true,
    help: 'whether ending an Identity token ends the tokens that it was rescoped to, as well: those issued while this is on',
  },
  {
    name: 'controlRate',
    flag: '--control-rate',
    environment: 'RESCIND_CONTROL_RATE',
    fallback: '5000',
    help: 'requests a second of one control key (verifiers are not counted); revoking has ten times that, of its own; 0: no limit',
  },
  {
    name: 'chatRate',
    flag: '--chat-rate',
    environment: 'RESCIND_CHAT_RATE',
    fallback: '100000',
    help: 'requests a minute that the API key of one chat app may make, where the app says nothing; revoking is never limited; 0: no limit',
  },
  {
    name: 'issueRate',
    flag: '--issue-rate',
    environment: 'RESCIND_ISSUE_RATE',
    fallback: '200',
    help: 'tokens a second, on average over an hour, that one caller may have issued; revoking has no quota; 0: none at all',
  },
  {
    name: 'allowInternalFetch',
    flag: '--allow-internal-fetch',
    environment: 'RESCIND_ALLOW_INTERNAL_FETCH',
    fallback: 'false',
    isSwitch: true,
    help: 'fetch registered URLs (key sets of issuers) from internal addresses too, and from those by plain http',
  },
  {
    name: 'allowWeakSecrets',
    flag: '--allow-weak-secrets',
    environment: 'RESCIND_ALLOW_WEAK_SECRETS',
    fallback: 'false',
    isSwitch: true,
    help: 'take control and API keys below 128 bits, and those of the quick start where others can connect',
  },
  {
    name: 'auditRetention',
    flag: '--audit-retention',
    environment: 'RESCIND_AUDIT_RETENTION',
    fallback: '400',
    help: 'days for which receipts and the audit can be read; then their hashes stay',
  },
  {
    name: 'authorizationEndpoint',
    flag: '--authorization-endpoint',
    environment: 'RESCIND_AUTHORIZATION_ENDPOINT',
    fallback: undefined,
    help: 'URL of your own login page, named in the OAuth metadata; it gets codes from POST /control/v1/grants',
  },
  {
    name: 'oauthReplaySeconds',
    flag: '--oauth-replay-seconds',
    environment: 'RESCIND_OAUTH_REPLAY_SECONDS',
    fallback: '30',
    help: 'seconds for which a rotated refresh token gets the same answer again; later, or at 0 at once, it is reuse',
  },
  {
    name: 'oauthCacheTtl',
    flag: '--oauth-cache-ttl',
    environment: 'RESCIND_OAUTH_CACHE_TTL',
    fallback: '5',
    help: 'cache_ttl of active introspection answers: seconds that a gateway may keep one; 0 leaves it out',
  },
  {
    name: 'oauthStrictHints',
    flag: '--oauth-strict-hints',
    environment: 'RESCIND_OAUTH_STRICT_HINTS',
    fallback: 'false',
    isSwitch: true,
    help: 'answer 400 to a revocation whose token_type_hint is neither access_token nor refresh_token',
  },
  {
    name: 'signingKeyDays',
    flag: '--signing-key-days',
    environment: 'RESCIND_SIGNING_KEY_DAYS',
    fallback: '90',
    help: 'days after which a signing key is rotated by itself; 0: only when somebody asks for it',
  },
  {
    name: 'metricsOpen',
    flag: '--metrics-open',
    environment: 'RESCIND_METRICS_OPEN',
    fallback: 'false',
    isSwitch: true,
    help: 'serve /metrics without a control key',
  },
  {
    name: 'readyStrict',
    flag: '--ready-strict',
    environment: 'RESCIND_READY_STRICT',
    fallback: 'false',
    isSwitch: true,
    help: 'answer 503 on /readyz while anything is out of order, one realm, say; else 200, which names it',
  },
  {
    name: 'logLevel',
    flag: '--log-level',
    environment: 'RESCIND_LOG_LEVEL',
    fallback: 'info',
    help: 'debug, info, warn, error or silent',
  },
]
