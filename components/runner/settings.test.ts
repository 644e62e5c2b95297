import { cacheLimits, idleSecondsOf, lookSeconds } from "./settings";

describe("the idle time of a runner", () => {
    it.each([
        [0, 0],
        [0.005, 1],
        [0.1, 6],
        [1.1, 66],
        [5, 300],
    ])("of %d minutes is %d seconds: 0 is for never, and a short time does not become it", (minutes, seconds) => {
        expect(idleSecondsOf(minutes)).toBe(seconds);
    });
});

describe("a runner looks whether it is idle", () => {
    it.each([
        [300, 10, 10],
        [300, 5.9, 5],
        [30, 10, 7],
        [2, 10, 1],
        [300, 0.3, 1],
        [0, 10, 10],
    ])(
        "with an idle time of %d s, and every %d s at most, every %d s: one that never stops, too",
        (idle, most, seconds) => {
            expect(lookSeconds(idle, most)).toBe(seconds);
        },
    );
});

describe("the room for a cache", () => {
    it("has as much free for a build as is collected for it, and half of that where collecting begins", () => {
        const { maxUsedSpace, minFreeSpace, reservedSpace, low, ...megabytes } = cacheLimits(100);
        const gibibytes = [maxUsedSpace, minFreeSpace, reservedSpace, low].map((bytes) => bytes / 2 ** 30);
        expect(gibibytes).toEqual([75, 20, 25, 10]);
        expect(megabytes).toEqual({ lowMegabytes: 10_737, roomMegabytes: 21_474 });
    });
});
