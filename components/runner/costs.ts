import type { RunnerDescription, RunnerPrice } from "./runner";

/** The price of so many seconds of a running runner, in US dollars. Undefined where it is not known. */
export function costOf(seconds: number, { hour }: RunnerPrice): number | undefined {
    return hour === undefined ? undefined : (seconds / 3600) * hour;
}

/** Builds on one runner. */
export interface BuildTime {
    runner: string;
    description: RunnerDescription;
    price: RunnerPrice;
    /** From the request to wake it to the end of the last build. */
    seconds: number;
    /** Runners whose builds it emulated, for want of their own machines. @default none */
    emulated?: readonly string[];
}

/**
 * A line with the price of builds, as in `arm64 192 s on c7g.xlarge: $0.0080`, and separately the price of the idle time
 * after them, which other builds may share, of an hour of a runner that never stops, and of the runners' volumes.
 */
export function costLine(builds: readonly BuildTime[]): string {
    const costs = builds.map(({ seconds, price }) => costOf(seconds, price));
    const stopping = builds.filter(({ description }) => description.idleMinutes > 0);
    const tails = stopping.flatMap(({ description, price }) => costOf(description.idleMinutes * 60, price) ?? []);
    const endless = builds.flatMap(({ runner, description, price }) =>
        description.idleMinutes > 0 || price.hour === undefined
            ? []
            : [`; ${runner} never stops: ${dollars(price.hour)} an hour`],
    );
    const parts = builds.map(({ runner, description, price, seconds, emulated = [] }, at) => {
        const cost = costs[at];
        const place = description.instanceType ?? description.kind;
        const how = emulated.length > 0 ? `, ${emulated.join(" and ")} emulated` : "";
        return `${runner} ${Math.round(seconds)} s on ${place}${how}: ${cost === undefined ? (price.unknown ?? "price not known") : dollars(cost)}`;
    });
    const known = costs.flatMap((cost) => cost ?? []);
    const total = known.length > 1 && known.length === costs.length ? `; together ${dollars(sum(known))}` : "";
    const idle =
        tails.length === stopping.length && sum(tails) > 0 ? `; idle time after them ${dollars(sum(tails))}` : "";
    // A runner and its stand-in have the same volumes.
    const runners = builds.filter(({ runner }, at) => builds.findIndex((other) => other.runner === runner) === at);
    const months = runners.flatMap(({ price }) => price.month ?? []);
    const volumes =
        months.length === runners.length && sum(months) > 0 ? `; volumes $${sum(months).toFixed(2)} a month` : "";
    return `runners' time of these builds: ${parts.join(", ")}${total}${idle}${endless.join("")}${volumes}`;
}

function sum(numbers: number[]): number {
    return numbers.reduce((total, number) => total + number, 0);
}

function dollars(amount: number): string {
    return `$${amount.toFixed(4)}`;
}
