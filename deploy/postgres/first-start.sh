#!/bin/sh
# Once, on the new primary, before it listens to others.
set -eu
psql -v ON_ERROR_STOP=1 -v rescind="$(cat /keys/rescind.password)" -v standby="$(cat /keys/standby.password)" <<'SQL'
CREATE ROLE rescind LOGIN PASSWORD :'rescind';
ALTER ROLE rescind SET statement_timeout = 0;
CREATE DATABASE rescind OWNER rescind ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT ON DATABASE rescind FROM PUBLIC;
CREATE ROLE standby REPLICATION LOGIN PASSWORD :'standby';
SELECT pg_create_physical_replication_slot('standby');
-- From the next start on: until then there is no standby to wait for.
ALTER SYSTEM SET synchronous_standby_names = 'standby';
SQL
