import { type BuildOptions, optionsOf } from "./buildInputs";

describe("the options of an image", () => {
    it("are those that are set, and no defaults that are written out: they make no other image", () => {
        const defaults: BuildOptions = {
            ...{ sbom: false, provenance: false, noCache: false, sourceLabels: false },
            ...{ labels: {}, annotations: {}, ssh: [], ulimits: [], addHosts: [], options: [], trigger: undefined },
        };
        expect(optionsOf(defaults)).toEqual({});
        const set: BuildOptions = {
            ...{ sbom: true, provenance: "min", trigger: "0" },
            labels: { a: "" },
            ssh: ["default"],
        };
        expect(optionsOf({ ...defaults, ...set })).toEqual(set);
    });
});
