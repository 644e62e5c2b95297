import type { Work } from "../resource";
import type { BuildWarning } from "./buildProgress";

/** Says each warning of an image once in a run, and not for each platform. */
export class Warnings {
    private readonly said = new Set<string>();

    /** @param image that they are about: the same for all its platforms */
    sayOnce(image: string, warnings: Pick<BuildWarning, "key" | "text">[], work: Pick<Work, "log">): void {
        for (const { key, text } of warnings) {
            const ofImage = `${image} ${key}`;
            if (!this.said.has(ofImage)) {
                this.said.add(ofImage);
                work.log("warning", text);
            }
        }
    }
}
