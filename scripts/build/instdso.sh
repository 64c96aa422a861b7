#!/bin/sh
# Installs a module for makefiles that were made for Apache's build directory:
#   instdso.sh SH_LIBTOOL=... mod_x.la DIRECTORY
# The first argument is not needed: apxs-rs knows where libtool leaves the shared object.
set -eu

if [ $# -ne 3 ]; then
    echo "usage: $0 SH_LIBTOOL=<libtool> <dsofile> <directory>" >&2
    exit 1
fi
exec "$(dirname "$0")/../bin/apxs-rs" -S LIBEXECDIR="$3" -i "$2"
