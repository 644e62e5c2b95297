#!/bin/sh
# make check: types, lint, format, and the shell scripts.
set -eu
CDPATH='' cd "$(dirname "$0")/.."
tools/setup.sh --check

npx tsc --project .
npx biome ci .
scripts=$(git ls-files --cached --others --exclude-standard | while read -r file; do
    case $file in
        *.sh | .ci/run) printf '%s\n' "$file" ;;
        *.*) ;;
        *) if head -n 1 "$file" | grep -q '^#!/bin/sh'; then printf '%s\n' "$file"; fi ;;
    esac
done)
# shellcheck disable=SC2086 # a list of names
shellcheck $scripts
for script in $scripts; do
    dash -n "$script"
    busybox sh -n "$script"
done
echo "types, lint, format and $(printf '%s\n' "$scripts" | wc -l) shell scripts: fine"
