import type { Arch } from "../helpers/stepImage";
import type { Running } from "./commands";
import { until } from "./processes";

/** Waits until an `up` builds `image` for each of these architectures, and is in the middle of its long step. */
export function inMidBuild(running: Running, ...archs: readonly Arch[]): Promise<void> {
    return until(`builds for ${archs.join(" and ")} to be in their long step`, () => {
        if (running.child.exitCode !== null) {
            throw new Error(`the up ended early:\n${running.said()}`);
        }
        return archs.every((arch) => new RegExp(`image-${arch}.*"sleep"`).test(running.said()));
    });
}
