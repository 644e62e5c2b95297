import type { BuildWarning } from "./buildProgress";
import type { Work } from "./resource";

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
