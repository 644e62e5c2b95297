import * as pulumi from "@pulumi/pulumi";
import type { Receipt } from "../../provider/progress/receipt";
import { type BuildTime, costLine, costOf } from "../runner/costs";
import type { RunnerDescription } from "../runner/runner";
import type { MultiPlatformImage } from "./multiPlatformImage";
import type { PricedReceipt, Receipts } from "./receiptText";

type Runners = { [runner: string]: RunnerDescription };

/** What the last build of each image took, and cost. */
export function receiptsOf(
    images: { [name: string]: MultiPlatformImage },
    runners: pulumi.Output<Runners>,
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
                            receipt ? [[platform, priced(receipt, described[receipt.runner])]] : [],
                    ),
                ),
            ]),
        ),
    );
}

function priced(receipt: Receipt, runner: RunnerDescription | undefined): PricedReceipt {
    if (!runner?.price) {
        return receipt;
    }
    return {
        ...receipt,
        price: costOf(receipt.waking + receipt.total, runner.price),
        ...(runner.idleMinutes > 0
            ? { idlePrice: costOf(runner.idleMinutes * 60, runner.price) }
            : { endlessHour: runner.price.hour }),
    };
}

/**
 * What the builds of this `up` cost: one line, also logged where something was built on runners that have a price.
 *
 * @param begun when the program was started
 */
export function buildCosts(
    receipts: pulumi.Output<Receipts>,
    runners: pulumi.Output<Runners>,
    begun: Date,
): pulumi.Output<string> {
    return pulumi.all([receipts, runners]).apply(([known, described]) => {
        if (!Object.values(described).some(({ price }) => price)) {
            return "no price is known of these runners";
        }
        const times = runnerTimes(known, described, begun);
        if (times.length === 0) {
            return "nothing was built";
        }
        const line = costLine(times);
        void pulumi.log.info(line);
        return line;
    });
}

/**
 * How long each machine was at work: from the first request to wake it to the end of the last build. Builds on a machine
 * overlap, so the sum of their times would be more. A machine that emulates other platforms is several runners, and is
 * named by the first.
 */
export function runnerTimes(receipts: Receipts, runners: Runners, begun: Date): BuildTime[] {
    const all = Object.values(receipts).flatMap((image) => Object.values(image));
    const described = Object.entries(runners);
    const machines = described.filter(([, { id }], at) => described.findIndex(([, other]) => other.id === id) === at);
    return machines.flatMap(([name, runner]) => {
        const own = all.filter((receipt) => runners[receipt.runner]?.id === runner.id);
        const built = own.filter((receipt) => new Date(receipt.began) >= begun);
        if (built.length === 0 || !runner.price) {
            return [];
        }
        const begins = built.map((receipt) => new Date(receipt.began).getTime());
        const ends = built.map((receipt, at) => (begins[at] ?? 0) + (receipt.waking + receipt.total) * 1000);
        const seconds = (Math.max(...ends) - Math.min(...begins)) / 1000;
        return [{ runner: name, description: runner, price: runner.price, seconds }];
    });
}
