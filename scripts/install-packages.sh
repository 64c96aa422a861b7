#!/usr/bin/env bash
# Installs the Debian packages named as arguments that are missing, and says which. `a|b` is one of
# them: the first that the distribution has.
set -euo pipefail

installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

missing=()
for word in "$@"; do
    IFS='|' read -ra alternatives <<<"$word"
    for package in "${alternatives[@]}"; do
        installed "$package" && continue 2
    done
    missing+=("$word")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "installing: ${missing[*]}"
sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)
"${sudo[@]}" apt-get update -q
packages=()
for word in "${missing[@]}"; do
    IFS='|' read -ra alternatives <<<"$word"
    chosen=${alternatives[0]}
    for package in "${alternatives[@]}"; do
        apt-cache show "$package" >/dev/null 2>&1 && chosen=$package && break
    done
    packages+=("$chosen")
done
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${packages[@]}"
