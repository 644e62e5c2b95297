// Writes the table of docs/aws.md of what runners on EC2 cost, with the default settings, from the price table, and how that
// compares in docs/comparison.md:
//
//     npx tsx tools/costTable.ts
import * as v from "valibot";
import { ec2MachinesOf, machinePlatforms } from "../components/architecture";
import { rootGiB } from "../components/runner/ec2/ec2RunnerSettings";
import { gp3 } from "../components/runner/ec2/gp3";
import { priceOf, pricesOf } from "../components/runner/ec2/prices";
import { allSettings } from "../configuration/settings";
import { comparisonBlock, region } from "./comparisonTable";
import { pageWith, write } from "./configurationTable";

/** One row for each architecture's runner, and their sum. */
function costTable(cacheGigabytes: number): string {
    const prices = pricesOf(region);
    const runners = machinePlatforms.map((platform) => {
        const { hour = Number.NaN, month = Number.NaN } = priceOf({ platform, cacheGigabytes }, region);
        return { name: `\`${platform}\`, ${ec2MachinesOf(platform).instanceType}`, idle: month, building: hour };
    });
    const sum = (of: "idle" | "building") => runners.reduce((total, runner) => total + runner[of], 0);
    const rows = [...runners, { name: "all of them", idle: sum("idle"), building: sum("building") }];
    return [
        `| runner, in ${region} | a month of idleness | an hour of building |`,
        "| --- | ---: | ---: |",
        ...rows.map((row) => `| ${row.name} | $${row.idle.toFixed(2)} | $${row.building.toFixed(2)} |`),
        "",
        `    month = (cacheGigabytes + ${rootGiB}) x ${prices.volumeGigabyteMonth} for each runner, used or not`,
        `          + (cacheIops - ${gp3.iops.least}) x ${prices.volumeIopsMonth} + (cacheThroughput - ${gp3.throughput.least}) x ${prices.volumeThroughputMonth}, used or not`,
        `          + hours awake x (instance price + ${prices.publicAddressHour}), by the second`,
        "",
        `On-demand list prices in US dollars without tax, ${prices.date}; \`cacheGigabytes\` ${cacheGigabytes}.`,
    ].join("\n");
}

/** What runners have where nothing is set. */
const defaultCacheGigabytes = v.parse(allSettings.cacheGigabytes, undefined);

/** The pages with what they say of prices. */
export function renewedCosts(): { [file: string]: string } {
    return {
        "docs/aws.md": pageWith("docs/aws.md", { costs: costTable(defaultCacheGigabytes) }),
        "docs/comparison.md": pageWith("docs/comparison.md", { prices: comparisonBlock() }),
    };
}

if (require.main === module) {
    write(renewedCosts());
}
