#!/bin/sh
# sources.sh FOLDER COUNT: C that takes a compiler a while, in so many files.
set -eu
mkdir -p "$1"
for file in $(seq "$2"); do
    {
        echo '#include <stdio.h>'
        for number in $(seq 200); do
            echo "int f${file}_$number(int a) { for (int i = 0; i < a; i++) a ^= printf(\"%d\", a * i % $number); return a; }"
        done
    } >"$1/$file.c"
done
