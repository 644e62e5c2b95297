import { idleSecondsOf } from "./settings";

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
