#!/usr/bin/env bash
# Unpacks the Debian packages of other people's modules, and the shared libraries they need that the
# machine has not, below .cache/ and prints where. Nothing is installed or configured: a test loads
# the modules from there with LD_LIBRARY_PATH. Which packages: tests/data/module-packages.
#
# apt works in a state directory of its own: the machine's sources and lists are read, not changed.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
list="$root/tests/data/module-packages"
work="$root/.cache/module-packages"
unpacked="$work/root"

# Tests may ask at the same time: one fetches, the others wait.
mkdir -p "$root/.cache"
exec 9>"$root/.cache/module-packages.lock"
flock 9

# The marker is written last, so a broken unpacking is repeated; and it tells of what it was made, so
# another list, script or Apache repeats it, too.
made_of=$(cat "$list" "$0" <(dpkg-query -W -f '${Version}' apache2-bin) | sha256sum)
if [ -e "$work/done-for" ] && [ "$(cat "$work/done-for")" = "$made_of" ]; then
    echo "$unpacked"
    exit 0
fi

rm -rf "$work"
mkdir -p "$work"/{sources.d,state/lists/partial,cache/archives/partial,download,root}

# The machine's own package sources of Debian, without those of others.
for file in /etc/apt/sources.list.d/*.sources; do
    [ -e "$file" ] || continue
    grep -q debian-archive-keyring "$file" || continue
    sed -E 's/^Types:.*/Types: deb/' "$file" > "$work/sources.d/$(basename "$file")"
done
if [ -e /etc/apt/sources.list ]; then
    sed -nE 's/^deb( .*)$/deb\1/p' /etc/apt/sources.list > "$work/sources.d/main.list"
fi

options=(-q
    -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources.d"
    -o Dir::State="$work/state" -o Dir::State::status=/var/lib/dpkg/status
    -o Dir::Cache="$work/cache" -o APT::Sandbox::User="$(id -un)"
    -o Acquire::Languages=none -o Acquire::Retries=3)
cd "$work/download"

# What installing the packages would add, as `name=version`, of which only shared libraries are taken:
# what has the section of libraries. Programs and data that a module needs are on the list themselves.
added_by() {
    apt-get "${options[@]}" -s install --no-install-recommends "$@" |
        sed -nE 's/^Inst ([^ ]+) \(([^ ]+) .*/\1=\2/p'
}
libraries_of() {
    local added
    # One package that cannot be installed does not cost the others their libraries.
    added=$(added_by "$@") || added=$(for package in "$@"; do added_by "$package" || true; done)
    [ -n "$added" ] || return 0
    # shellcheck disable=SC2086
    apt-cache "${options[@]:1}" show $added |
        awk -v RS= -F'\n' '{
            name = version = section = ""
            for (i = 1; i <= NF; i++) {
                if ($i ~ /^Package: /) name = substr($i, 10)
                if ($i ~ /^Version: /) version = substr($i, 10)
                if ($i ~ /^Section: /) section = substr($i, 10)
            }
            if (section ~ /(^|\/)(old)?libs$/) print name "=" version
        }'
}

fetch() {
    apt-get "${options[@]}" update
    # Packages that exclude each other are in groups of their own.
    mapfile -t groups < <(awk '
        /^#/ || NF == 0 { next }
        { group = ($2 == "" ? "together" : $2); names[group] = names[group] " " $1 }
        END { for (group in names) print names[group] }' "$list")
    local wanted=()
    for group in "${groups[@]}"; do
        # shellcheck disable=SC2206
        local packages=($group)
        mapfile -t libraries < <(libraries_of "${packages[@]}")
        wanted+=("${packages[@]}" "${libraries[@]}")
    done
    mapfile -t wanted < <(printf '%s\n' "${wanted[@]}" | sort -u)
    # All at once is fast. An archive may list what it no longer has: then one by one.
    apt-get "${options[@]}" download "${wanted[@]}" || {
        for package in "${wanted[@]}"; do
            apt-get "${options[@]}" download "$package" ||
                echo "fetch-module-packages: $package cannot be had"
        done
    }
    for package in ./*.deb; do
        dpkg-deb -x "$package" "$unpacked"
    done
    du -csm . "$unpacked"
}
fetch >&2

rm -rf "$work"/{sources.d,state,cache,download}
echo "$made_of" > "$work/done-for"
echo "$unpacked"
