import * as pulumi from "@pulumi/pulumi";
import { knownPlatforms } from "./architecture";
import { type BuildTime, costLine, type PriceSettings } from "./ec2Prices";
import type { MultiPlatformImage } from "./multiPlatformImage";
import type { RemoteBuilder } from "./remoteBuilder/remoteBuilder";
import type { Timings } from "./remoteBuilder/timings";
import type { RunnerDescription } from "./runner/runner";

/** What the builds of this `up` cost: one line, also logged. Waits until every image is there. */
export function buildCosts(
    builder: RemoteBuilder,
    images: { [name: string]: MultiPlatformImage },
    prices: PriceSettings,
): pulumi.Output<string> {
    const done = pulumi.all(Object.values(images).map((image) => image.ref));
    return pulumi.all([builder.runners, done]).apply(([runners]) => {
        const times = runnerTimes(builder.timings, runners);
        const region = Object.values(runners)[0]?.region ?? "";
        if (times.length === 0) {
            return "nothing was built";
        }
        const line = costLine(times, region, prices);
        void pulumi.log.info(line);
        return line;
    });
}

/**
 * How long each platform's runner was at work: from the first waking to the end of the last build. Builds on one runner
 * overlap, so their times are not summed.
 */
export function runnerTimes(
    timings: Timings,
    runners: { [platform: string]: RunnerDescription | undefined },
): BuildTime[] {
    return knownPlatforms.flatMap((platform) => {
        const own = Object.values(timings).filter((timing) => timing.platform === platform);
        const instanceType = runners[platform]?.instanceType;
        if (own.length === 0 || !instanceType) {
            return [];
        }
        const begin = Math.min(...own.map((timing) => timing.began));
        const end = Math.max(...own.map((timing) => timing.began + timing.waking + timing.building));
        return [{ platform, instanceType, seconds: end - begin }];
    });
}
