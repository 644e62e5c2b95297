import { architectures } from "../../architecture";
import { costLine, ec2Prices, idleMonthCost, pricesOf, runningCost } from "./prices";

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
        expect(runningCost(1800, "c7g.xlarge", prices)).toBeCloseTo(0.075);
    });

    it("prefers what the user says, and says when it does not know", () => {
        expect(runningCost(3600, "c7g.xlarge", pricesOf("eu-central-1"))).toBeUndefined();
        const settings = { instanceHour: { "c7g.xlarge": 0.2 } };
        expect(runningCost(3600, "c7g.xlarge", pricesOf("eu-central-1", settings))).toBeCloseTo(0.205);
        expect(pricesOf("eu-central-1", settings).instanceHour).toMatchObject({ "c7i.xlarge": 0.2037 });
        expect(idleMonthCost(100, pricesOf("mars-north-1"))).toBeUndefined();
    });

    it("sums builds up in a line", () => {
        const builds = [
            { platform: "linux/arm64", instanceType: "c7g.xlarge", seconds: 600, idleSeconds: 900 },
            { platform: "linux/amd64", instanceType: "c7i.xlarge", seconds: 300.4, idleSeconds: 900 },
        ];
        expect(costLine(builds, "us-east-1")).toBe(
            "instance time of these builds: linux/arm64 600 s on c7g.xlarge: $0.0250, linux/amd64 300 s on c7i.xlarge: $0.0153; together $0.0403; idle time after them $0.0834",
        );
        expect(costLine(builds, "eu-central-1")).toContain(
            "price of c7g.xlarge in eu-central-1 not known, set ec2Prices",
        );
    });
});
