import { mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";

/** Seconds that one platform of one image took. */
export interface Timing {
    waking: number;
    building: number;
}

/** Of the last `pulumi up`: resource name of a platform's image -> seconds. Only what was built is in it. */
export type Timings = { [image: string]: Timing };

/** Records what the builds of this `up` took, for the summary that `make up` prints. Not part of the state. */
export class TimingRecord {
    private readonly timings: Timings = {};
    private readonly begun = new Map<string, { waking: number; at: number }>();

    constructor(private readonly file: string) {}

    begin(image: string, waking: number): void {
        this.begun.set(image, { waking, at: performance.now() });
    }

    /** Resolves to the timing, or to nothing for an image whose beginning was not seen. */
    end(image: string): Timing | undefined {
        const begin = this.begun.get(image);
        if (!begin) {
            return undefined;
        }
        const timing = { waking: begin.waking, building: (performance.now() - begin.at) / 1000 };
        this.timings[image] = timing;
        mkdirSync(path.dirname(this.file), { recursive: true, mode: 0o700 });
        writeFileSync(this.file, `${JSON.stringify(this.timings, undefined, 2)}\n`);
        return timing;
    }
}
