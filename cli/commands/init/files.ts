import type { Setting } from '@rescind/server'

/**
 * Settings as variables, which systemd, containers and shells read alike; the server's own file is JSON, which has no comments.
 * @param given the texts that are set, by the names of their settings.
 */
export function settingsFile(settings: readonly Setting[], given: ReadonlyMap<string, string>): string {
  const blocks = settings.flatMap(({ name, environment, help, fallback, isSecret, flag }) => {
    const value = given.get(name)
    const line = value === undefined ? `#${environment}=${fallback ?? ''}` : `${environment}=${quoted(value)}`
    // A key that is made and kept by the server itself is in no environment.
    return isSecret === true || flag === undefined ? [] : [`# ${help}\n${line}`]
  })
  return `# Settings of "rescind serve". A line without # counts; all are explained in docs/reference/settings.md.
# "rescind config explain" shows what a server would use. A flag wins over this file.

${blocks.join('\n\n')}
`
}

/** In quotes, where a shell would read it otherwise. */
function quoted(text: string): string {
  return /^[\w.,:/@+-]*$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** A unit of systemd. docs/run/deploy.md shows the same, and says why each line is there. */
export function systemdFile(folder: string): string {
  return `[Unit]
Description=Rescind, the revocation authority
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/local/bin/rescind serve
EnvironmentFile=${folder}/rescind.env
Environment=MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=1048576 MALLOC_TRIM_THRESHOLD_=1048576
Environment="NODE_OPTIONS=--disable-sigusr1 --max-semi-space-size=8"
User=rescind
StateDirectory=rescind
StateDirectoryMode=0700
WorkingDirectory=${folder}
ReadWritePaths=${folder}
UMask=0077
ExecReload=/bin/kill -HUP $MAINPID
LimitCORE=0
TimeoutStopSec=15
Restart=on-failure
RestartPreventExitStatus=2
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
`
}

/** One server in a container; deploy/ has two nodes on PostgreSQL. */
export function composeFile({ uid, gid }: { readonly uid: number; readonly gid: number }): string {
  return `# The image: npm run pack -- docs/run && docker build --tag rescind docs/run
name: rescind

services:
  rescind:
    image: rescind
    # Whose the files here are.
    user: '${uid}:${gid}'
    restart: unless-stopped
    # The server finishes what is in flight within 9.5 s.
    stop_grace_period: 15s
    env_file: rescind.env
    # Within the container it has to listen on all addresses. A proxy that ends TLS reaches it by the port below, and has to be
    # named here: these are the networks that Docker makes.
    command: [serve, --listen, '0.0.0.0:8080', --behind-proxy, '172.16.0.0/12']
    ports: ['127.0.0.1:8080:8080']
    volumes: ['./rescind-data:/var/lib/rescind/rescind-data']
`
}
