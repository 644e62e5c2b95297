#!/bin/sh
# In place of QEMU, where originals need none: -0 ARGV0 PATH ARGUMENT...
shift 2
exec "$@"
