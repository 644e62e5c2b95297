import type { Measurement } from "./figures";

/** A library of bench's part `emulation`, compiled for the machine's own platform, and in three ways for another. */
export interface Library {
    /** Debian source package, folder of bench/emulation, and the encoder that is in it. */
    name: "x264" | "x265";
    /** What of it is compiled, and its language. */
    what: string;
    natively: Measurement;
    crossCompiled: Measurement;
    withNativeCompilers: Measurement;
    emulated: Measurement;
    /** What its configuration is told for a cross compiler, for linux/arm64. */
    cross: string;
    /** Its encoder at work, with its preset medium. */
    encode: Measurement;
}

export const libraries: Library[] = [
    {
        name: "x264",
        what: "x264, C",
        natively: "compileNatively",
        crossCompiled: "compileCross",
        cross: "--host=aarch64-linux-gnu --cross-prefix=aarch64-linux-gnu-",
        withNativeCompilers: "compileWithNativeCompilers",
        emulated: "compileEmulated",
        encode: "encodeX264",
    },
    {
        name: "x265",
        what: "x265's source/common, C++",
        natively: "compileCxxNatively",
        crossCompiled: "compileCxxCross",
        cross:
            "-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 " +
            "-DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++",
        withNativeCompilers: "compileCxxWithNativeCompilers",
        emulated: "compileCxxEmulated",
        encode: "encodeX265",
    },
];
