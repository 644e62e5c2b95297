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
                            receipt ? [[platform, priced(receipt, machineOf(receipt, described))]] : [],
                    ),
                ),
            ]),
        ),
    );
}

function priced(receipt: Receipt, machine: RunnerDescription | undefined): PricedReceipt {
    if (!machine?.price) {
        return receipt;
    }
    return {
        ...receipt,
        price: costOf(receipt.waking + receipt.total, machine.price),
        ...(machine.idleMinutes > 0
            ? { idlePrice: costOf(machine.idleMinutes * 60, machine.price) }
            : { endlessHour: machine.price.hour }),
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
    const names = Object.keys(runners);
    const built = Object.values(receipts)
        .flatMap((image) => Object.values(image))
        .filter((receipt) => new Date(receipt.began) >= begun)
        .map((receipt) => ({ receipt, machine: machineOf(receipt, runners) }));
    const machines = built.flatMap(({ machine }, at) =>
        machine?.price && built.findIndex((other) => other.machine?.id === machine.id) === at ? [machine] : [],
    );
    return machines
        .map((machine) => {
            const own = built.flatMap((other) => (other.machine?.id === machine.id ? [other.receipt] : []));
            const emulated = own.flatMap(({ runner, on }) => (on && on.runner !== runner ? [runner] : []));
            return {
                runner: machine.runner,
                description: machine,
                price: machine.price ?? {},
                seconds: secondsOf(own),
                ...(emulated.length > 0 ? { emulated: [...new Set(emulated)] } : {}),
            };
        })
        .sort((a, b) => names.indexOf(a.runner) - names.indexOf(b.runner));
}

/** From the first request to wake the machine to the end of the last build. */
function secondsOf(receipts: readonly Receipt[]): number {
    const begins = receipts.map(({ began }) => new Date(began).getTime());
    const ends = receipts.map(({ waking, total }, at) => (begins[at] ?? 0) + (waking + total) * 1000);
    return (Math.max(...ends) - Math.min(...begins)) / 1000;
}

/** The machine that built, and the first runner whose machine it is. Undefined where that runner is not there any more. */
function machineOf({ runner, on }: Receipt, runners: Runners): (RunnerDescription & { runner: string }) | undefined {
    const own = runners[on?.runner ?? runner];
    if (!own) {
        return undefined;
    }
    const named = Object.keys(runners).find((name) => runners[name]?.id === own.id) ?? runner;
    if (!on || on.type === own.instanceType) {
        return { ...own, runner: named };
    }
    return {
        ...own,
        runner: named,
        id: `${own.id}, stand-in ${on.type}`,
        instanceType: on.type,
        // Unlike its runner it always stops.
        idleMinutes: own.idleMinutes || 1,
        price: { unknown: "price of a stand-in not known", month: own.price?.month },
    };
}
