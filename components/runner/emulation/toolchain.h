/* Where a build container finds its toolchain (see runcWithToolchain.sh), and what of it is looked for. */
#define TOOLCHAIN "/dev/.native-toolchain"
#define DISPATCHER TOOLCHAIN "/dispatcher"
#define EMULATOR TOOLCHAIN "/emulator"
