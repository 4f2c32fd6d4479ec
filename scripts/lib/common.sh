# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Shared by the scripts: where the tree is, messages, steps with their times. To be sourced by a bash script.
set -euo pipefail
export LC_ALL=C.UTF-8
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
log_dir=$top/build/log

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Prints the header comment of the calling script, without the licence line: its help text.
usage() { sed -n '/^# SPDX/d; /^#!/d; /^#/!q; s/^# \{0,1\}//p' "$0"; }

# Milliseconds of the monotonic clock; its first field in /proc/uptime has two decimals.
now_ms() {
  local up
  read -r up _ </proc/uptime
  printf '%s' "${up/./}0"
}

# seconds_since START_MS: "12.3"
seconds_since() {
  local ms=$(($(now_ms) - $1))
  printf '%d.%d' $((ms / 1000)) $((ms % 1000 / 100))
}

# step NAME COMMAND...: runs the command and prints one line with its time. Its output goes to build/log/NAME.log; when
# it fails, what matters of that log is shown and the script ends with the command's status.
step() {
  local name=$1 begin status=0 log ticker=''
  shift
  mkdir -p "$log_dir"
  log=$log_dir/${name// /-}.log
  printf '  %-28s' "$name"
  begin=$(now_ms)
  : >"$log"
  [[ -t 1 ]] && { show_progress "$name" "$log" & ticker=$!; }
  "$@" >>"$log" 2>&1 </dev/null || status=$?
  if [[ $ticker ]]; then
    kill "$ticker" 2>/dev/null || true
    wait "$ticker" 2>/dev/null || true
    printf '\r  %-28s' "$name"
  fi
  if ((status == 0)); then
    printf '%8s s\n' "$(seconds_since "$begin")"
    return 0
  fi
  printf '  failed after %s s\n' "$(seconds_since "$begin")"
  show_failure "$log" >&2
  printf '%s: step "%s" failed; all of it stands in %s\n' "${0##*/}" "$name" "$log" >&2
  exit "$status"
}

# On a terminal: how far Ninja is, until it is killed.
show_progress() {
  while sleep 1; do
    printf '\r  %-28s%10s' "$1" "$(tail -n 1 "$2" | grep -o '^\[[0-9]*/[0-9]*\]' || true)"
  done
}

# The part of a log that says why: from the first compiler or CMake error on, else its end.
show_failure() {
  local first
  first=$(grep -nm1 -E '^FAILED:|CMake Error|(^|[ :])(fatal )?error:' "$1" | cut -d: -f1) || true
  if [[ -n $first ]]; then tail -n "+$first" "$1" | head -n 60; else tail -n 40 "$1"; fi | cut -c 1-240
}
