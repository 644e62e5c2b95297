#!/bin/sh
# Before `npm pack`: compiles the components and the provider into dist/, with the files that they read at run time
# beside them. Tests and benches are in it only if something imports them.
set -eu
CDPATH='' cd "$(dirname "$0")/.."

rm -rf dist
node_modules/.bin/tsc --project tsconfig.package.json
# By git: nothing that is ignored. By itself: a failure of git's must end this.
files=$(git ls-files --cached --others --exclude-standard components provider)
printf '%s\n' "$files" | while read -r file; do
    case $file in
        *.ts | *.js | provider/pulumi-resource-native-buildx) ;;
        *)
            mkdir -p "dist/$(dirname "$file")"
            cp "$file" "dist/$file"
            ;;
    esac
done
