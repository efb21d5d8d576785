#!/bin/sh
# Copies the primary at the first start, and follows it.
set -eu
chmod 0700 "$PGDATA"
[ -s "$PGDATA/PG_VERSION" ] || pg_basebackup --pgdata="$PGDATA" --write-recovery-conf --slot=standby --wal-method=stream \
  --dbname='host=primary user=standby application_name=standby sslmode=verify-full sslrootcert=/keys/ca.crt passfile=/keys/standby.pgpass'
exec "$@"
