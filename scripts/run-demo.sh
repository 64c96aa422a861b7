#!/usr/bin/env bash
# Serves the demo site of demo/ with the release build, in the foreground. PORT: 8080 unless set.
set -euo pipefail

tree=$(cd "$(dirname "$0")/.." && pwd)
demo="$tree/target/demo"
port=${PORT:-8080}
mkdir -p "$demo/build" "$demo/run" "$demo/logs"

cp "$tree/demo/mod_demo.c" "$demo/build/"
(cd "$demo/build" && "$tree/target/release/apxs-rs" -c mod_demo.c)

# Started by root, the children serve as somebody else.
user=$(id -un) group=$(id -gn)
[ "$(id -u)" -ne 0 ] || { user=www-data; group=www-data; }
sed -e "s|@DEMO@|$demo|g" -e "s|@TREE@|$tree|g" -e "s|@PORT@|$port|g" \
    -e "s|@USER@|$user|g" -e "s|@GROUP@|$group|g" "$tree/demo/httpd.conf" >"$demo/httpd.conf"

"$tree/target/release/httpd-rs" -f "$demo/httpd.conf" -t
echo "httpd-rs serves http://localhost:$port/ (Ctrl-C stops it)"
exec "$tree/target/release/httpd-rs" -f "$demo/httpd.conf" -DFOREGROUND
