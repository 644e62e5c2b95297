#!/bin/sh
# Inside an emulated step: dpkg removes, installs, upgrades and downgrades the compiler, which is used at once.
set -eu
# shellcheck source=tests/e2e/emulation/results.sh
. /work/results.sh

# package FILE VERSION: what is in folder `tree`, as a package.
package() {
    printf 'Package: cpp-12\nVersion: %s\nArchitecture: arm64\nMaintainer: Nobody <nobody@localhost>\nDescription: compiler\n' \
        "$2" >tree/DEBIAN/control
    dpkg-deb -Znone --build tree "$1" >/dev/null
}

mkdir -p tree/DEBIAN
dpkg --listfiles cpp-12 | while read -r file; do
    if [ -f "$file" ] || [ -h "$file" ]; then cp --parents --no-dereference "$file" tree; fi
done
# shellcheck disable=SC2016 # dpkg's own
version=$(dpkg-query --show --showformat='${Version}' cpp-12)
package known.deb "$version"
sed 's/GNU C/GNU K/' "$own" >"tree$own"
package newer.deb "$version.1"

dpkg --remove --force-depends cpp-12 >/dev/null 2>&1
result removed gcc -c -o x.o a.c
dpkg --install known.deb >/dev/null 2>&1
result installed gcc -c -o x.o a.c
dpkg --install newer.deb >/dev/null 2>&1
result upgraded gcc -c -o x.o a.c
dpkg --install known.deb >/dev/null 2>&1
result downgraded gcc -c -o x.o a.c
rm -rf /tmp/w
