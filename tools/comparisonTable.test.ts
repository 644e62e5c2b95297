import { cheaperFrom, costHere } from "./comparisonTable";
import { hostedPrices } from "./hostedPrices";

const ours = { minute: 0.006, tail: 5 };

describe("the prices of the comparison", () => {
    it("count the wake and the idle time of a build, and a minute at least", () => {
        expect(costHere(10, ours)).toBeCloseTo((10 + 5 + 1 / 3) * 0.006);
        expect(costHere(0.1, { ...ours, tail: 0 })).toBeCloseTo(0.006);
    });

    it("are equal at the length from which on a build is cheaper here", () => {
        for (const hosted of [0.007, 0.013, 0.04]) {
            const length = cheaperFrom(hosted, ours) ?? Number.NaN;
            expect(costHere(length, ours)).toBeCloseTo(hosted * length);
            expect(costHere(length + 1, ours)).toBeLessThan(hosted * (length + 1));
        }
    });

    it("say so where no build is cheaper here", () => {
        expect(cheaperFrom(0.006, ours)).toBeUndefined();
        expect(cheaperFrom(0.001, ours)).toBeUndefined();
    });

    it.each(hostedPrices)("of $name have a date and a page", ({ date, source, minute }) => {
        expect(date).toMatch(/^20\d\d-\d\d$/);
        expect(source).toMatch(/^https:\/\//);
        expect(minute).toBeGreaterThan(0);
    });
});
