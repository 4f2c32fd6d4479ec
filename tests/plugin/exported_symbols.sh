#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Usage: exported_symbols.sh NM FOLDER...
# Fails unless every plugin in the folders exports exactly the two symbols of the plugin ABI. A folder may be missing,
# but one plugin at least must be there.
set -euo pipefail
nm=$1
shift
expected=$'visor_plugin_entry\nvisor_plugin_identity'
checked=0 wrong=0
shopt -s nullglob
for folder in "$@"; do
  for plugin in "$folder"/*.so; do
    checked=$((checked + 1))
    exported=$("$nm" -D --defined-only --format=posix "$plugin" | cut -d' ' -f1 | LC_ALL=C sort)
    [[ $exported == "$expected" ]] && continue
    wrong=$((wrong + 1))
    printf '%s exports:\n%s\n' "$plugin" "$exported"
  done
done
printf '%d plugins looked at, %d wrong\n' "$checked" "$wrong"
((checked > 0 && wrong == 0))
