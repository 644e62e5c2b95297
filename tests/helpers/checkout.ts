import * as path from "node:path";

/** The checkout under test. */
export const checkout = path.resolve(__dirname, "../..");
/** Its programs. */
export const tools = path.join(checkout, "tools/bin");
/** What tools/setup.sh makes: native compilers of emulated platforms, and with --check what a compile cluster's nodes are made of. */
export const toolchains = path.join(process.env.NATIVE_BUILDX_HOME ?? "", "toolchains");
