import * as pulumi from "@pulumi/pulumi";
import type { Here } from "../../provider/process/here";
import { resolved, settled } from "../../tests/helpers/pulumiMocks";
import { StubRegistry } from "../../tests/helpers/stubRegistry";
import { LocalRegistry } from "../registry/local/localRegistry";
import { imageBenchForEach, imageType, indexType } from "./imageBench";
import type { MultiPlatformImage } from "./multiPlatformImage";

const bench = imageBenchForEach();

describe("a multi-platform image", () => {
    it("logs in to the registry for images and index, in secret", async () => {
        const login = { address: "registry.example:7443", username: "ci", password: "PASSWORD" };
        bench.makeImage({ registry: new StubRegistry("r.example/x", { login: () => pulumi.secret(login) }) });
        await settled();
        for (const resource of [bench.mocks.one(imageType, "app-amd64"), bench.mocks.one(indexType, "app")]) {
            expect(resource.inputs.here).toMatchObject({ logins: [login] });
            expect(resource.secretInputs).toContain("here");
        }
    });

    it("asks for a login when the bases are there, and for the index's when the images are", async () => {
        const base = bench.makeImage({}, "base");
        const asked: string[][] = [];
        const login = (after: pulumi.Output<unknown>[]) =>
            pulumi.all(after).apply((refs) => {
                asked.push(refs.map(String));
                return { address: "registry.example:7443", username: "ci", password: `${refs.length}` };
            });
        const app = bench.makeImage(
            { registry: new StubRegistry("r.example/x", { login }), contexts: { base } },
            "app",
        );
        await settled();

        const refs = async (image: MultiPlatformImage) =>
            Promise.all(Object.values(image.platformRefs).map((ref) => resolved(ref as pulumi.Output<string>)));
        const [amd64, arm64] = await refs(base);
        expect(asked.slice(0, 2).sort()).toEqual([[amd64], [arm64]].sort());
        expect(asked.slice(2)).toEqual([await refs(app)]);
        expect(bench.mocks.one(indexType, "app").inputs.here).toMatchObject({ logins: [{ password: "2" }] });
    });

    it("goes to no registry that nobody starts", () => {
        const registry = new LocalRegistry("local", { stackFolder: "demo-dev" });
        expect(() => bench.makeImage({ registry })).toThrow(
            "registry: nothing starts it; give builder demo-dev this registry, or push to the builder's",
        );
    });

    it("has its tags for itself", () => {
        bench.makeImage({ repository: "app", tags: ["1.0", "latest"] }, "app");
        bench.makeImage({ repository: "app", tags: ["debug"] }, "app-debug");
        expect(() => bench.makeImage({ repository: "app", tags: ["latest", "2.0"] }, "app-new")).toThrow(
            "tags: app:latest is image app's; choose another tag or repository",
        );
    });

    it("logs in to the registries of its bases too, each once", async () => {
        const registry = (address: string) =>
            new StubRegistry(`${address}/x`, {
                login: () => pulumi.output({ address, username: "ci", password: "p" }),
            });
        const bases = registry("bases.example");
        const [base, tools] = ["base", "tools"].map((name) => bench.makeImage({ registry: bases }, name));
        if (base && tools) {
            bench.makeImage(
                { registry: registry("apps.example"), contexts: { base, tools, more: "docker-image://x" } },
                "app",
            );
        }
        await settled();
        const addresses = (type: string, name: string) =>
            (bench.mocks.one(type, name).inputs.here as Here).logins?.map(({ address }) => address);
        expect(addresses(imageType, "app-arm64")).toEqual(["apps.example", "bases.example"]);
        expect(addresses(indexType, "app")).toEqual(["apps.example"]);
        expect(addresses(imageType, "base-arm64")).toEqual(["bases.example"]);
    });
});
