#!/bin/sh
# In a root file system: takes out of the files below a folder what names the compiler's package, and how a header is marked (a 4
# in preprocessed files means that C++ sees it as C, where headers are not made for both).
set -eu
find "$1" -name '*.o' -exec objcopy -R .comment {} \;
find "$1" -name '*.i' -exec sed -i 's/ 3 4$/ 3/' {} \;
find "$1" -name '*.ii' -exec sed -i 's/ 3 4$/ 3/' {} \;
find "$1" -name '*.s' -exec sed -i -e '/\.ident/d' -e '/^\(#\|@\|\/\/\) GNU C/s/(Debian [^)]*)/(Debian)/' {} \;
