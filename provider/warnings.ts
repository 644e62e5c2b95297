import type { Work } from "./resource";

/** Something that the check of a Dockerfile found. */
export interface BuildWarning {
    /** Two warnings of one key are the same: the platforms of an image have one Dockerfile. */
    key: string;
    text: string;
}

/** Says each warning once in a run, not once a platform. */
export class Warnings {
    private readonly said = new Set<string>();

    sayOnce(warnings: BuildWarning[], work: Work): void {
        for (const { key, text } of warnings) {
            if (!this.said.has(key)) {
                this.said.add(key);
                work.log("warning", text);
            }
        }
    }
}
