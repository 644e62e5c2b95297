import { architectures } from "../../architecture";
import { ec2Prices, idleMonthCost, priceOf, pricesOf } from "./prices";

describe("ec2Prices", () => {
    it("has a date and positive prices for every region", () => {
        for (const prices of Object.values(ec2Prices)) {
            expect(prices.date).toMatch(/^20\d\d-\d\d$/);
            for (const price of [
                ...Object.values(prices.instanceHour),
                prices.volumeGigabyteMonth,
                prices.publicAddressHour,
            ]) {
                expect(price).toBeGreaterThan(0);
            }
        }
    });

    it("knows the default instance types in one region at least", () => {
        for (const { ec2 } of Object.values(architectures)) {
            expect(Object.values(ec2Prices).some(({ instanceHour }) => ec2.instanceType in instanceHour)).toBe(true);
        }
    });

    it("charges volumes by the month and instances by the second", () => {
        const prices = pricesOf("us-east-1");
        expect(idleMonthCost(116, prices)).toBeCloseTo(9.28);
        expect(priceOf("c7g.xlarge", "us-east-1", {}).hour).toBeCloseTo(0.15);
    });

    it("prefers what the user says, and says when it does not know", () => {
        expect(priceOf("c7g.xlarge", "eu-central-1", {})).toEqual({
            unknown: "price of c7g.xlarge in eu-central-1 not known, set ec2Prices",
        });
        const settings = { instanceHour: { "c7g.xlarge": 0.2 } };
        expect(priceOf("c7g.xlarge", "eu-central-1", settings).hour).toBeCloseTo(0.205);
        expect(pricesOf("eu-central-1", settings).instanceHour).toMatchObject({ "c7i.xlarge": 0.2037 });
        expect(idleMonthCost(100, pricesOf("mars-north-1"))).toBeUndefined();
    });
});
