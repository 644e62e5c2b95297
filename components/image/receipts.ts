import * as pulumi from "@pulumi/pulumi";
import type { Receipt } from "../../provider/progress/receipt";
import { knownPlatforms, type Platform } from "../architecture";
import { type BuildTime, costLine, type PriceSettings, pricesOf, runningCost } from "../runner/ec2/prices";
import type { RunnerDescription } from "../runner/runner";
import type { MultiPlatformImage } from "./multiPlatformImage";
import type { PricedReceipt, Receipts } from "./receiptText";

type Runners = { [P in Platform]?: RunnerDescription };

/** What the last build of each image took, and cost. */
export function receiptsOf(
    images: { [name: string]: MultiPlatformImage },
    runners: pulumi.Output<Runners>,
    prices: PriceSettings = {},
): pulumi.Output<Receipts> {
    const all = Object.fromEntries(Object.entries(images).map(([name, image]) => [name, image.receipts]));
    return pulumi.all([pulumi.output(all), runners]).apply(([known, described]) =>
        Object.fromEntries(
            Object.entries(known).map(([name, receipts]) => [
                name,
                Object.fromEntries(
                    Object.entries(receipts as { [platform: string]: Receipt | undefined }).flatMap(
                        ([platform, receipt]) =>
                            // Not known in a preview.
                            receipt ? [[platform, priced(receipt, described[platform as Platform], prices)]] : [],
                    ),
                ),
            ]),
        ),
    );
}

function priced(receipt: Receipt, runner: RunnerDescription | undefined, settings: PriceSettings): PricedReceipt {
    if (!runner?.instanceType) {
        return receipt;
    }
    const prices = pricesOf(runner.region ?? "", settings);
    return {
        ...receipt,
        price: runningCost(receipt.waking + receipt.total, runner.instanceType, prices),
        idlePrice: runningCost(runner.idleMinutes * 60, runner.instanceType, prices),
    };
}

/** What the builds of this `up` cost: one line, also logged. `begun` is when the program was started. */
export function buildCosts(
    receipts: pulumi.Output<Receipts>,
    runners: pulumi.Output<Runners>,
    prices: PriceSettings,
    begun: Date,
): pulumi.Output<string> {
    return pulumi.all([receipts, runners]).apply(([known, described]) => {
        const times = runnerTimes(known, described, begun);
        if (times.length === 0) {
            return "nothing was built";
        }
        const line = costLine(times, Object.values(described)[0]?.region ?? "", prices);
        void pulumi.log.info(line);
        return line;
    });
}

/**
 * How long each platform's runner was at work: from the first waking to the end of the last build. Builds on one runner
 * overlap, so their times are not summed.
 */
export function runnerTimes(receipts: Receipts, runners: Runners, begun: Date): BuildTime[] {
    return knownPlatforms.flatMap((platform) => {
        const own = Object.values(receipts).flatMap((image) => image[platform] ?? []);
        const built = own.filter((receipt) => new Date(receipt.began) >= begun);
        const runner = runners[platform];
        if (built.length === 0 || !runner?.instanceType) {
            return [];
        }
        const begins = built.map((receipt) => new Date(receipt.began).getTime());
        const ends = built.map((receipt, at) => (begins[at] ?? 0) + (receipt.waking + receipt.total) * 1000);
        const seconds = (Math.max(...ends) - Math.min(...begins)) / 1000;
        return [{ platform, instanceType: runner.instanceType, seconds, idleSeconds: runner.idleMinutes * 60 }];
    });
}
