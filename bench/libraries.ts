import type { Measurement } from "./figures";

/** A library of bench's part `emulation`, compiled for the machine's own platform and emulated in two ways. */
export interface Library {
    /** Debian source package, folder of bench/emulation, and the encoder that is in it. */
    name: "x264" | "x265";
    /** What of it is compiled, and its language. */
    what: string;
    natively: Measurement;
    withNativeCompilers: Measurement;
    emulated: Measurement;
    /** Its encoder at work, with its preset medium. */
    encode: Measurement;
}

export const libraries: Library[] = [
    {
        name: "x264",
        what: "x264, C",
        natively: "compileNatively",
        withNativeCompilers: "compileWithNativeCompilers",
        emulated: "compileEmulated",
        encode: "encodeX264",
    },
    {
        name: "x265",
        what: "x265's source/common, C++",
        natively: "compileCxxNatively",
        withNativeCompilers: "compileCxxWithNativeCompilers",
        emulated: "compileCxxEmulated",
        encode: "encodeX265",
    },
];
