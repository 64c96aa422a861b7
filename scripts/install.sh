#!/usr/bin/env bash
# Installs the release build: install.sh PREFIX. DESTDIR stages it elsewhere; PORT, MODULES, USER_
# and GROUP_ go into a new conf/httpd.conf (an existing one is left alone);
# BUILT is where the programs are.
set -euo pipefail

prefix=$1
[ "${prefix#/}" != "$prefix" ] || { echo "PREFIX must be an absolute path: $prefix" >&2; exit 1; }
tree=$(cd "$(dirname "$0")/.." && pwd)
built=${BUILT:-$tree/target/release}
to=${DESTDIR:-}$prefix

install -d "$to"/{bin,modules,include,conf,build,htdocs,logs,lib/systemd/system}
# install(1) makes a new file: a running server keeps the one it was started from.
install -m 755 "$built"/{httpd-rs,apxs-rs,apachectl-rs} "$to/bin"
install -m 644 "$tree"/include/*.h "$to/include"
install -m 644 "$tree"/scripts/build/{rules,special}.mk "$to/build"
install -m 755 "$tree/scripts/build/instdso.sh" "$to/build"
# In the form NAME = value, which make reads.
"$to/bin/apxs-rs" -S PREFIX="$prefix" -q -v >"$to/build/config_vars.mk"

for unit in httpd-rs.service httpd-rs.socket; do
    sed -e "s|@PREFIX@|$prefix|g" -e "s|@PORT@|${PORT:-80}|g" "$tree/conf/systemd/$unit.in" \
        >"$to/lib/systemd/system/$unit"
done

if [ ! -e "$to/conf/httpd.conf" ]; then
    port=${PORT:-80}
    [ "$(id -u)" -eq 0 ] || port=${PORT:-8080}
    sed -e "s|@PREFIX@|$prefix|g" -e "s|@PORT@|$port|g" -e "s|@MODULES@|${MODULES:-/usr/lib/apache2/modules}|g" \
        -e "s|@USER@|${USER_:-www-data}|g" -e "s|@GROUP@|${GROUP_:-www-data}|g" \
        "$tree/conf/httpd.conf.in" >"$to/conf/httpd.conf"
fi
if [ ! -e "$to/conf/mime.types" ]; then
    types=$tree/conf/mime.types
    [ ! -r /etc/mime.types ] || types=/etc/mime.types
    install -m 644 "$types" "$to/conf/mime.types"
fi
[ -e "$to/htdocs/index.html" ] || install -m 644 "$tree"/htdocs/index.html "$to/htdocs"
echo "installed in $to: $prefix/bin/apachectl-rs start"
