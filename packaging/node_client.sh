#!/usr/bin/env bash
# Fetches the library of the Node example (docs/clients) into build/node-client, for the tests; no
# other command needs it. npm checks it by the SHA-512 of package-lock.json, which names no registry:
# npm's settings do.
set -euo pipefail
exec </dev/null

cd "$(dirname "$0")/.."
there=build/node-client
example=docs/clients
key=$(sha256sum packaging/node_client.sh packaging/npm.sh packaging/node.lock "$example"/package*.json | sha256sum)
if [ -f "$there/stamp" ] && [ "$(cat "$there/stamp")" = "$key" ]; then exit; fi

say() { printf 'setup: %s\n' "$*" >&2; }

# A registry that cannot be reached costs this example its test, which says so, and no other.
not_tried() {
  say "$1 could not be fetched (build/node-client/log says why): the Node example is not tried"
  touch "$there/unreachable"
  exit 0
}

say "fetching the library of the Node example"
rm -rf "$there"
mkdir -p "$there"
cp "$example"/package*.json "$there"
# Node looks for packages beside the file that asks: beside the link, with --preserve-symlinks-main.
ln -s "../../$example/visit.mjs" "$there/visit.mjs"

if ! packaging/npm.sh ci --prefix "$there" --ignore-scripts --no-audit --no-fund \
  --fetch-retries=3 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 >"$there/log" 2>&1; then
  # What came and is not what the lock says, or a lock that says something else, is a failure.
  if ! grep -qE 'EINTEGRITY|EUSAGE' "$there/log"; then not_tried json-rpc-2.0; fi
  cat "$there/log" >&2
  exit 1
fi
printf '%s\n' "$key" >"$there/stamp"
