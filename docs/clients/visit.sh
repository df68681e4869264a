#!/usr/bin/env bash
# One visit at Kazashi's local socket with bash and socat: no jq, no Python.
#
#   visit.sh unix:PATH|tcp:PORT CLIENT_REF     (tcp: the token in $KAZASHI_TOKEN)
#
# Every event is a line on stderr, the answer with the result a line on stdout.
# Exit codes: 0 verified, 1 any other outcome, 2 wrong use or no driver.
#
# Without a JSON parser this reads only fields whose names are unique in their line and whose
# values are words of the protocol. Software that goes on working with the result wants a parser.
set -euo pipefail
trap '' PIPE

fail() {
  printf 'visit.sh: %s\n' "$*" >&2
  exit 2
}

[ $# = 2 ] || fail "use: visit.sh unix:PATH|tcp:PORT CLIENT_REF"
case $1 in
  unix:*) peer=UNIX-CONNECT:${1#unix:} ;;
  tcp:*) peer=TCP:127.0.0.1:${1#tcp:} ;;
  *) fail "$1 is neither unix:PATH nor tcp:PORT" ;;
esac
[[ $2 =~ ^[A-Za-z0-9._-]{1,64}$ ]] || fail "CLIENT_REF is letters, digits, dot, _ and -"

coproc DRIVER { exec socat - "$peer"; }
exec {from_driver}<&"${DRIVER[0]-}" {to_driver}>&"${DRIVER[1]-}" || fail "there is no driver at $1"

last_id=0
line=
events=()

# The next line, into `line`.
next_line() { IFS= read -r line <&"$from_driver" || fail "the driver went away"; }

# The word in field $1 of `line`; nothing when it is null or absent.
word() {
  [[ $line =~ \"$1\"[[:space:]]*:[[:space:]]*\"([^\"]*)\" ]] && printf '%s' "${BASH_REMATCH[1]}"
}
number() {
  [[ $line =~ \"$1\"[[:space:]]*:[[:space:]]*(-?[0-9]+) ]] && printf '%s' "${BASH_REMATCH[1]}"
}

# A visit's own `method` (face, pin, staff) may stand in the same line, so the value counts too.
is_event() { [[ $line =~ \"method\"[[:space:]]*:[[:space:]]*\"event\" ]]; }

# Ask verb $1 with parameters $2, and leave its answer in `line`; events on the way are kept.
call() {
  last_id=$((last_id + 1))
  printf '{"jsonrpc":"2.0","id":%d,"method":"%s","params":%s}\n' "$last_id" "$1" "$2" \
    >&"$to_driver" 2>/dev/null || fail "the driver went away"
  while next_line; do
    if is_event; then
      events+=("$line")
      continue
    fi
    [[ $line =~ \"error\"[[:space:]]*: ]] && fail "$1: $(word symbol): $(word message)"
    [ "$(number id)" = "$last_id" ] && return
  done
}

# The next event, into `line`.
next_event() {
  if [ ${#events[@]} -gt 0 ]; then
    line=${events[0]}
    events=("${events[@]:1}")
    return
  fi
  next_line
  is_event || next_event
}

token=
[ -z "${KAZASHI_TOKEN:-}" ] || token=",\"token\":\"$KAZASHI_TOKEN\""
call hello "{\"protocol\":\"1.0\",\"client\":\"shell example\"$token}"
call events.subscribe '{}'
nonce=$(head -c 16 /dev/urandom | base64)
call transaction.start "{\"client_ref\":\"$2\",\"nonce\":\"$nonce\"}"
visit=$(word transaction_id)

while next_event; do
  [ "$(word transaction_id)" = "$visit" ] || continue
  printf '%s %s %s\n' "$(number sequence)" "$(word event)" "$(word state)" >&2
  [ "$(word event)" = finished ] && break
done

call transaction.result "{\"transaction_id\":\"$visit\",\"wait_s\":5}"
result=$line
outcome=$(word outcome)
printf '%s\n' "$result" || fail "the result could not be written" # first keep it, then:
call transaction.ack "{\"transaction_id\":\"$visit\"}"
[ "$outcome" = verified ]
