#!/bin/sh
# In a root file system: builds a library of /work/source as everybody does, in /work/library.
#
#   library.sh configure|make|encode|test lame|x264|x265
#
# `encode` makes /work/library/encoded of a short clip, with what was built; `test` runs the library's own tests.
set -eu
library=/work/library
cores=$(nproc)

configure_lame() { ./configure --disable-shared --disable-gtktest --disable-dependency-tracking; }
make_lame() { make -j"$cores"; }
encode_lame() {
    # One channel of a saw that rises, 4 s.
    awk 'BEGIN { for (at = 0; at < 176400; at++) printf "%c", 32 + (at * (1 + int(at / 4000))) % 90 }' >saw
    frontend/lame -r -s 44.1 -m m --bitwidth 8 --unsigned -V 2 --quiet saw encoded
}
test_lame() { make test; }

configure_x264() { ./configure --enable-static --disable-lavf --disable-swscale --disable-ffms --disable-gpac; }
make_x264() { make -j"$cores"; }
encode_x264() {
    clip >clip.y4m
    ./x264 --quiet --threads 1 -o encoded.264 clip.y4m
    mv encoded.264 encoded
}
test_x264() {
    make -j"$cores" checkasm
    for test in ./checkasm*[0-9]; do "$test"; done
}

configure_x265() { cmake -S source -B build -DCMAKE_BUILD_TYPE=Release -DENABLE_SHARED=OFF -DENABLE_TESTS=ON; }
make_x265() { make -C build -j"$cores"; }
encode_x265() {
    clip >clip.y4m
    build/x265 --log-level error --pools 1 --frame-threads 1 --preset fast --input clip.y4m -o encoded.265
    mv encoded.265 encoded
}
test_x265() { build/test/TestBench; }

# 8 frames of 176x144 that move, as x264 and x265 read them.
clip() {
    echo 'YUV4MPEG2 W176 H144 F24:1 Ip C420'
    awk 'BEGIN {
        for (frame = 0; frame < 8; frame++) {
            printf "FRAME\n"
            for (y = 0; y < 144; y++) for (x = 0; x < 176; x++) printf "%c", 32 + (x * y / 64 + 7 * frame) % 90
            for (at = 0; at < 12672; at++) printf "%c", 64 + (at + frame) % 32
        }
    }'
}

if [ "$1" = configure ]; then
    rm -rf "$library"
    cp -a "/work/source/$2" "$library"
fi
cd "$library"
"$1_$2"
