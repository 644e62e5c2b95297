import { refuseToShrink } from "./ec2CacheVolume";

describe("refuseToShrink", () => {
    const change = (before: number, wanted: number) =>
        refuseToShrink({
            urn: "",
            id: "",
            name: "a-cache",
            type: "",
            oldInputs: { size: before },
            newInputs: { size: wanted },
        });

    it("names the setting, the reason, and both ways out with what they cost", () => {
        expect(() => change(22, 20)).toThrow(
            /^cacheGigabytes 20: volume a-cache has 22, .*set cacheGigabytes 22.*give the caches up.*run again.*--replace/,
        );
    });

    it("lets it grow, and other things change", () => {
        expect(() => change(20, 22)).not.toThrow();
        expect(() => change(20, 20)).not.toThrow();
    });
});
