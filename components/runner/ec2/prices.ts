import { ec2MachinesOf } from "../../architecture";
import type { RunnerPrice } from "../runner";
import { cacheVolumeOf, type Ec2RunnerSettings, rootGiB, standInCacheGiB } from "./ec2RunnerSettings";
import { type CacheVolumeSettings, gp3 } from "./gp3";

/** What AWS charges in one region, in US dollars. */
export interface RegionPrices {
    /** When they were looked up, `YYYY-MM`. */
    date: string;
    /** An hour of a running instance, billed by the second and at least a minute. Linux, on demand. */
    instanceHour: { [instanceType: string]: number };
    /** A month of a GB of gp3 volume, whatever the instance does. */
    volumeGigabyteMonth: number;
    /** A month of an operation in a second, beyond those that every gp3 volume has. */
    volumeIopsMonth: number;
    /** A month of a MiB/s of throughput, beyond what every gp3 volume has. */
    volumeThroughputMonth: number;
    /** An hour of a public IPv4 address: a stopped instance has none. */
    publicAddressHour: number;
}

/** In every region. */
const publicAddressHour = 0.005;

/**
 * THE price table. On-demand list prices without tax. Where a price is missing no source was at hand: setting `ec2Prices`
 * has the last word, and docs/aws.md says how to ask AWS.
 *
 * Sources, read 2026-11 (AWS's own pages could not be): eu-central-1 c7i: a table taken from the AWS Price List API;
 * us-east-1: price tables of several public cost tools, which agree; volumes: the same kind, and for eu-central-1 a
 * published reckoning; addresses: AWS's announcement of February 2024, the same in every region.
 */
export const ec2Prices: { [region: string]: RegionPrices } = {
    "eu-central-1": {
        date: "2026-11",
        instanceHour: { "c7i.large": 0.1018, "c7i.xlarge": 0.2037 },
        volumeGigabyteMonth: 0.0952,
        volumeIopsMonth: 0.006,
        volumeThroughputMonth: 0.048,
        publicAddressHour,
    },
    "us-east-1": {
        date: "2026-11",
        instanceHour: {
            "c7g.large": 0.0725,
            "c7g.xlarge": 0.145,
            "c7g.2xlarge": 0.29,
            "c7i.large": 0.08925,
            "c7i.xlarge": 0.1785,
            "c7i.2xlarge": 0.357,
        },
        volumeGigabyteMonth: 0.08,
        volumeIopsMonth: 0.005,
        volumeThroughputMonth: 0.04,
        publicAddressHour,
    },
};

/** Prices that replace those of the table, or are missing there. */
export type PriceSettings = Partial<RegionPrices>;

/** The prices of a region, as far as they are known. */
export function pricesOf(
    region: string,
    settings: PriceSettings = {},
): Partial<RegionPrices> & Pick<RegionPrices, "publicAddressHour"> {
    const known: Partial<RegionPrices> = ec2Prices[region] ?? {};
    return {
        publicAddressHour,
        ...known,
        ...settings,
        instanceHour: { ...known.instanceHour, ...settings.instanceHour },
    };
}

/**
 * The price of a month of a runner's volumes, whether it runs or not. Undefined where it is not known.
 *
 * @param gigabytes of all its volumes
 */
export function volumesMonth(
    gigabytes: number,
    { cacheIops, cacheThroughput }: Omit<CacheVolumeSettings, "cacheGigabytes">,
    { volumeGigabyteMonth, volumeIopsMonth, volumeThroughputMonth }: Partial<RegionPrices>,
): number | undefined {
    const parts = [
        [gigabytes, volumeGigabyteMonth],
        [cacheIops - gp3.iops.least, volumeIopsMonth],
        [cacheThroughput - gp3.throughput.least, volumeThroughputMonth],
    ] as const;
    return parts.some(([amount, price]) => amount > 0 && price === undefined)
        ? undefined
        : parts.reduce((total, [amount, price = 0]) => total + amount * price, 0);
}

/**
 * The price of a running instance, and of its volumes and its stand-ins' volumes.
 *
 * @param usePrivateAddress it has no public address
 */
export function priceOf(runner: Ec2RunnerSettings, region: string, usePrivateAddress = false): RunnerPrice {
    const prices = pricesOf(region, runner.prices);
    const instanceType = runner.instanceType ?? ec2MachinesOf(runner.platform).instanceType;
    const instance = prices.instanceHour?.[instanceType];
    const address = usePrivateAddress ? 0 : prices.publicAddressHour;
    const volume = cacheVolumeOf(runner);
    const standIns = (runner.fallbackInstanceTypes ?? []).length * (rootGiB + standInCacheGiB);
    return {
        ...(instance === undefined
            ? { unknown: `price of ${instanceType} in ${region} not known, set ec2Prices.instanceHour` }
            : { hour: instance + address }),
        month: volumesMonth(volume.cacheGigabytes + rootGiB + standIns, volume, prices),
    };
}
