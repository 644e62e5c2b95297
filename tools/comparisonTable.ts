// The block of docs/comparison.md that says from which length on a build is cheaper on runners on EC2 than elsewhere, with the
// default settings, from the price tables. tools/costTable.ts writes it.
import * as v from "valibot";
import { ec2MachinesOf, machinePlatforms } from "../components/architecture";
import { priceOf, pricesOf } from "../components/runner/ec2/prices";
import { allSettings } from "../configuration/settings";
import { table } from "./configurationTable";
import { type HostedPrice, hostedPrices } from "./hostedPrices";

/** The region whose prices are all known. */
export const region = "us-east-1";

/** A runner is awake that long before it builds: EC2's published times for a stopped instance, 15 s to 21 s. */
const wakeMinutes = 20 / 60;

/** What runners of both platforms cost. */
export interface OurPrice {
    /** US dollars, of all runners together, while they are awake. */
    minute: number;
    /** Minutes that they stay awake after a build. */
    tail: number;
}

/** What a build costs that wakes its runners and has nothing after it, in US dollars. EC2 bills a minute at least. */
export function costHere(minutes: number, { minute, tail }: OurPrice): number {
    return Math.max(1, wakeMinutes + minutes + tail) * minute;
}

/** The length in minutes from which on such a build is cheaper here. Undefined if none is. */
export function cheaperFrom(hosted: number, ours: OurPrice): number | undefined {
    const overhead = Math.max(1, wakeMinutes + ours.tail) * ours.minute;
    return hosted > ours.minute ? overhead / (hosted - ours.minute) : undefined;
}

const dollars = (amount: number) => `$${amount.toFixed(3)}`;
const minutes = (length: number | undefined) =>
    length === undefined ? "never" : `${(Math.ceil(length * 10) / 10).toFixed(1)} min`;

function row({ name, cores, minute, date, source }: HostedPrice, ours: OurPrice): string[] {
    return [
        `[${name}](${source}), ${cores} cores, ${date}`,
        dollars(minute),
        minutes(cheaperFrom(minute, ours)),
        minutes(cheaperFrom(minute, { ...ours, tail: 1 })),
    ];
}

/** The block. */
export function comparisonBlock(): string {
    const types = machinePlatforms.map((platform) => ec2MachinesOf(platform).instanceType);
    const cacheGigabytes = v.parse(allSettings.cacheGigabytes, undefined);
    const prices = machinePlatforms.map((platform) => priceOf({ platform, cacheGigabytes }, region));
    const sum = (of: "hour" | "month") => prices.reduce((total, price) => total + (price[of] ?? Number.NaN), 0);
    const tail = v.parse(allSettings.idleMinutes, undefined);
    const ours = { minute: sum("hour") / 60, tail };
    const example = (length: number) =>
        `${length} ${length === 1 ? "minute" : "minutes"} ${dollars(costHere(length, ours))}`;
    return [
        `Here a minute of both runners (${types.join(" and ")}, ${region}, ${pricesOf(region).date}) costs $${ours.minute.toFixed(4)}, and`,
        `their disks $${sum("month").toFixed(2)} a month. A build that has them for itself pays for the wake and for ${tail} idle minutes too:`,
        `${example(1)}, ${example(10)}, ${example(60)}; ${dollars(tail * ours.minute)} of each is the idle time.`,
        "",
        table(
            [
                "elsewhere, machines for both platforms",
                "a minute",
                `cheaper here from a build of, \`idleMinutes\` ${tail}`,
                "with `idleMinutes` 1",
            ],
            hostedPrices.map((price) => row(price, ours)),
        ),
    ].join("\n");
}
