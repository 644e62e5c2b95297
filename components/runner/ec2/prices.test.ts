import { ec2MachinesOf, machinePlatforms } from "../../architecture";
import { ec2Prices, priceOf, pricesOf } from "./prices";

describe("ec2Prices", () => {
    it("has a date and positive prices for every region", () => {
        for (const prices of Object.values(ec2Prices)) {
            expect(prices.date).toMatch(/^20\d\d-\d\d$/);
            for (const price of [
                ...Object.values(prices.instanceHour),
                prices.volumeGigabyteMonth,
                prices.volumeIopsMonth,
                prices.volumeThroughputMonth,
                prices.publicAddressHour,
            ]) {
                expect(price).toBeGreaterThan(0);
            }
        }
    });

    it("knows the default instance types in one region at least", () => {
        for (const { instanceType } of machinePlatforms.map(ec2MachinesOf)) {
            expect(Object.values(ec2Prices).some(({ instanceHour }) => instanceType in instanceHour)).toBe(true);
        }
    });

    const platform = "linux/arm64";

    it("charges volumes by the month and instances by the second", () => {
        const price = priceOf({ platform, cacheGigabytes: 100 }, "us-east-1");
        expect(price.month).toBeCloseTo(9.28);
        expect(price.hour).toBeCloseTo(0.15);
    });

    it.each([
        ["operations", { cacheIops: 4000 }, 5],
        ["throughput", { cacheThroughput: 225 }, 4],
        ["stand-ins", { fallbackInstanceTypes: ["m7g.large", "c6g.large"] }, 2 * 56 * 0.08],
    ])("charges %s beyond what every volume has", (_what, settings, more) => {
        const month = (given = {}) => priceOf({ platform, cacheGigabytes: 100, ...given }, "us-east-1").month ?? 0;
        expect(month(settings) - month()).toBeCloseTo(more);
    });

    it("prefers what the user says, and says when it does not know", () => {
        expect(priceOf({ platform }, "eu-central-1")).toEqual({
            unknown: "price of c7g.xlarge in eu-central-1 not known, set ec2Prices.instanceHour",
            month: expect.closeTo(46 * 0.0952),
        });
        const prices = { instanceHour: { "c7g.xlarge": 0.2 } };
        expect(priceOf({ platform, prices }, "eu-central-1").hour).toBeCloseTo(0.205);
        expect(pricesOf("eu-central-1", prices).instanceHour).toMatchObject({ "c7i.xlarge": 0.2037 });
        expect(priceOf({ platform }, "mars-north-1").month).toBeUndefined();
        // A public address is not asked for: it costs the same everywhere.
        expect(priceOf({ platform, prices }, "mars-north-1").hour).toBeCloseTo(0.205);
        const address = { ...prices, publicAddressHour: 0.1 };
        expect(priceOf({ platform, prices: address }, "mars-north-1").hour).toBeCloseTo(0.3);
        const gigabyte = { volumeGigabyteMonth: 0.1 };
        expect(priceOf({ platform, prices: gigabyte }, "mars-north-1").month).toBeCloseTo(4.6);
        expect(priceOf({ platform, prices: gigabyte, cacheIops: 3001 }, "mars-north-1").month).toBeUndefined();
    });
});
