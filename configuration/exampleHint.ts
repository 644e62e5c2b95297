import { architectures, defaultPlatforms, knownPlatforms } from "../components/architecture";

/**
 * What a mistake needs more, if it is about a context of the example: those are made, not committed, and for the default
 * platforms only.
 *
 * @param mistake as it is told of any image
 * @returns text to append, or none
 */
export function exampleHint(mistake: string): string {
    if (!mistake.startsWith("folder examples/encoder/")) {
        return "";
    }
    const foreign = knownPlatforms.find(
        (platform) =>
            !architectures[platform].isDefault &&
            mistake.startsWith(`folder examples/encoder/base/${architectures[platform].suffix} `),
    );
    return foreign
        ? `; the example is not made for ${foreign}: give its images platforms: [${defaultPlatforms.join(", ")}]`
        : ", or make the example's inputs: examples/encoder/prepare.sh";
}
