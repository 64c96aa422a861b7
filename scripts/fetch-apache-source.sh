#!/usr/bin/env bash
# Unpacks the source of Debian's apache2 package below .cache/ and prints where. Tests compile its
# modules against include/. The version that is installed is tried first, then the others the
# archive lists, the newest first: an archive may list a version whose source it no longer has.
#
# apt works in a state directory of its own: the machine's sources and lists are read, not changed.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
work="$root/.cache/apache-source"
source="$work/apache2"
installed=$(dpkg-query -W -f '${source:Version}' apache2-bin 2>/dev/null || true)

# Tests of several crates may ask at the same time: one fetches, the others wait.
mkdir -p "$root/.cache"
exec 9>"$root/.cache/apache-source.lock"
flock 9

# The marker is written last, so a broken unpacking is repeated.
if [ -e "$work/done-for" ] && [ "$(cat "$work/done-for")" = "$installed" ]; then
    echo "$source"
    exit 0
fi

rm -rf "$work"
mkdir -p "$work"/{sources.d,state/lists/partial,cache/archives/partial,download}

# The machine's own package sources of Debian, as sources of source packages.
for file in /etc/apt/sources.list.d/*.sources; do
    [ -e "$file" ] || continue
    grep -q debian-archive-keyring "$file" || continue
    sed -E 's/^Types:.*/Types: deb-src/' "$file" > "$work/sources.d/$(basename "$file")"
done
if [ -e /etc/apt/sources.list ]; then
    sed -nE 's/^deb(-src)?( .*)$/deb-src\2/p' /etc/apt/sources.list | sort -u > "$work/sources.d/main.list"
fi

apt=(apt-get -q
    -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/sources.d"
    -o Dir::State="$work/state" -o Dir::State::status=/var/lib/dpkg/status
    -o Dir::Cache="$work/cache" -o APT::Sandbox::User="$(id -un)")
cd "$work/download"
fetch() {
    "${apt[@]}" update
    versions=$(apt-cache "${apt[@]:2}" showsrc apache2 | sed -nE 's/^Version: //p' | sort -rVu)
    for version in $installed $versions; do
        if "${apt[@]}" source --download-only "apache2=$version"; then
            dpkg-source --no-check -x ./*.dsc "$source"
            [ -z "$installed" ] || [ "$version" = "$installed" ] ||
                echo "fetch-apache-source: $installed cannot be had, this is $version"
            return
        fi
        rm -f ./*
    done
    echo "fetch-apache-source: the archive has no source of apache2"
    return 1
}
fetch >&2

rm -rf "$work"/{sources.d,state,cache}
echo "$installed" > "$work/done-for"
echo "$source"
