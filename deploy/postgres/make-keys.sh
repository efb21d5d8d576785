#!/bin/sh
# make-keys.sh DATABASE-KEYS NODE-KEYS: what the services need to trust each other, made once.
set -eu
database=$1 nodes=$2
umask 077
[ ! -e "$nodes/complete" ] || exit 0

text() { openssl rand -base64 32 | tr '+/' '-_' | tr -d '=\n'; }
new_key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

# certificate NAME FOLDER HOSTS: signed by this authority, for ten years.
certificate() {
  new_key "$2/$1.key"
  openssl req -new -key "$2/$1.key" -subj "/CN=$1" |
    openssl x509 -req -days 3650 -CA "$work/ca.crt" -CAkey "$work/ca.key" -extfile "$work/$1.ext" -out "$2/$1.crt" 2>/dev/null
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
new_key "$work/ca.key"
openssl req -x509 -new -key "$work/ca.key" -days 3650 -subj '/CN=Rescind compose' -out "$work/ca.crt"
echo 'subjectAltName=DNS:primary,DNS:standby' >"$work/server.ext"
echo 'subjectAltName=DNS:localhost,DNS:node-a,DNS:node-b' >"$work/node.ext"
certificate server "$database"
certificate node "$nodes"
for folder in "$database" "$nodes"; do cp "$work/ca.crt" "$folder/ca.crt"; done

for role in postgres rescind standby; do text >"$database/$role.password"; done
printf 'primary:5432:replication:standby:%s\n' "$(cat "$database/standby.password")" >"$database/standby.pgpass"
printf 'primary:5432:rescind:rescind:%s\n' "$(cat "$database/rescind.password")" >"$nodes/pgpass"
text >"$nodes/master.key"
: >"$nodes/complete"

# The users of the two images.
[ "$(id -u)" != 0 ] || { chown -R 999:999 "$database" && chown -R 1000:1000 "$nodes"; }
