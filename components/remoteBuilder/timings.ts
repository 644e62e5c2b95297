import { mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import type { Platform } from "../architecture";

/** Seconds that one platform of one image took. */
export interface Timing {
    platform: Platform;
    /** When waking began, in seconds after the program's start. */
    began: number;
    waking: number;
    building: number;
}

/** Of the last `pulumi up`: resource name of a platform's image -> seconds. Only what was built is in it. */
export type Timings = { [image: string]: Timing };

/** Records what the builds of this `up` took, for the summary that `make up` prints. Not part of the state. */
export class TimingRecord {
    readonly timings: Timings = {};
    private readonly begun = new Map<string, { platform: Platform; waking: number; at: number }>();
    private readonly started = performance.now();

    /** @param file of this machine that gets them as they come. @default none is written */
    constructor(private readonly file?: string) {}

    /** A build begins, after so many seconds of waking. */
    begin(image: string, platform: Platform, waking: number): void {
        this.begun.set(image, { platform, waking, at: performance.now() });
    }

    /** A build ended. The timing, or nothing for an image whose beginning was not seen. */
    end(image: string): Timing | undefined {
        const begin = this.begun.get(image);
        if (!begin) {
            return undefined;
        }
        const { platform, waking, at } = begin;
        const timing = {
            platform,
            began: (at - this.started) / 1000 - waking,
            waking,
            building: (performance.now() - at) / 1000,
        };
        this.timings[image] = timing;
        if (this.file) {
            mkdirSync(path.dirname(this.file), { recursive: true, mode: 0o700 });
            writeFileSync(this.file, `${JSON.stringify(this.timings, undefined, 2)}\n`);
        }
        return timing;
    }
}
