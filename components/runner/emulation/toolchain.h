/* Where a build container finds the toolchain of machine NAME (see ../stepMounts.sh), and what of it is looked for. */
#define TOOLCHAIN "/dev/.native-toolchain/" NAME
#define DISPATCHER TOOLCHAIN "/dispatcher"
#define EMULATOR TOOLCHAIN "/emulator"
/* And a pipe to the runner, see `tell`. */
#ifndef TELL
#define TELL "/dev/.native-toolchain.emulated"
#endif
/* A variable by which the dispatcher tells a twin of its original, see sourceOptions.c. */
#define ORIGINAL "NATIVE_BUILDX_ORIGINAL"
