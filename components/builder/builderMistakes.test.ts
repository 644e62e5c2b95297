import * as pulumi from "@pulumi/pulumi";
import { localStackForEach } from "../../tests/helpers/localStack";
import { resolved } from "../../tests/helpers/pulumiMocks";
import { LocalRegistry } from "../registry/local/localRegistry";
import type { RegistryTrust } from "../registry/registry";
import { LocalRunners } from "../runner/local/localRunners";
import { RemoteBuilder } from "./remoteBuilder";

describe("a builder of runners of this machine", () => {
    const stack = localStackForEach();
    const runnersWith = (trust?: RegistryTrust | RegistryTrust[]) =>
        new LocalRunners("runners", { stackFolder: "demo-dev", localPort: 7443, ...(trust ? { trust } : {}) }).runners;
    const otherRegistry = () => new LocalRegistry("other", { stackFolder: "other", registryHost: "other.example" });

    it("has in connect the registry's name, and those that its runners trust", async () => {
        const { registry } = stack;
        const { connect } = new RemoteBuilder("builder", {
            builder: "demo",
            runners: runnersWith([registry.trust, otherRegistry().trust]),
            registry,
        });
        const script = await resolved(connect);
        expect(script.match(/^(registry_host|trusted_\w+_arm64)=.*$/gm)).toEqual([
            "registry_host='registry.example'",
            "trusted_hosts_arm64='registry.example,other.example'",
            "trusted_files_arm64='../../trust/demo-dev.pem",
        ]);
    });

    it("is refused where they do not trust its registry, with all other mistakes", () => {
        const { registry } = stack;
        for (const trust of [undefined, otherRegistry().trust]) {
            const runners = runnersWith(trust);
            expect(() => new RemoteBuilder("b", { builder: "1", runners, registry, buildsPerRunner: 0 })).toThrow(
                /^builder: "1" .*\nbuildsPerRunner: .*\nrunners: amd64, arm64 would not trust registry registry\.example:7443; give LocalRunners trust: registry\.trust/,
            );
        }
    });

    it("takes the names that buildx takes, in small letters as it keeps them, and says what is wrong with others", async () => {
        const runners = runnersWith();
        const { builder: kept } = new RemoteBuilder("builder", { builder: "Demo_1.0-PR", runners });
        expect(kept).toBe("demo_1.0-pr");
        for (const builder of ["3d-models-dev", "a/b", "-a", "\u00e4"]) {
            expect(() => new RemoteBuilder("another", { builder, runners })).toThrow(
                `builder: "${builder}" is no name of a builder; buildx takes letters, digits, ".", "_" and "-", and a letter first, as in "ci-`,
            );
        }
        expect(() => new RemoteBuilder("another", { builder: "b", runners, buildsPerRunner: 0 })).toThrow(
            "buildsPerRunner: must be a whole number from 1, not 0",
        );
    });

    it("is told which of its arguments are not what their types say, or misspelled", () => {
        const wrong = {
            builder: 7,
            runners: new LocalRunners("r", { stackFolder: "demo" }),
            registry: "r",
            registri: "r",
        };
        expect(() => new RemoteBuilder("builder", wrong as never)).toThrow(
            [
                "builder: must be a text, not 7",
                "runners: must be a list of runners, as in new LocalRunners(...).runners, not a resource",
                'registry: must be a registry, not "r"',
                "registri: no such key; there are builder, runners, registry, buildsPerRunner",
            ].join("\n"),
        );
        const builder = pulumi.output("demo");
        expect(() => new RemoteBuilder("builder", { builder, runners: [builder] } as never)).toThrow(
            "builder: must be known when the program runs; an output is not\nrunners[0]: must be known when",
        );
    });

    it("has a name that no other of the program has, as buildx keeps names", () => {
        const runners = runnersWith();
        new RemoteBuilder("first", { builder: "demo", runners });
        expect(() => new RemoteBuilder("second", { builder: "Demo", runners })).toThrow(
            'builder: "Demo" is RemoteBuilder first\'s already; choose another name',
        );
        new RemoteBuilder("third", { builder: "demo-2", runners });
    });

    it("has at least one, and each once: an image would have no place, or connect two of one name", () => {
        const runners = runnersWith();
        for (const [given, mistake] of [
            [[], "runners: must be at least one"],
            [[...runners, ...runners.slice(1)], 'runners: "arm64" is there twice; take one out'],
        ] as const) {
            expect(() => new RemoteBuilder("builder", { builder: "demo", runners: given })).toThrow(mistake);
        }
    });

    it("may have no registry, and they none to trust", () => {
        expect(() => new RemoteBuilder("builder", { builder: "demo", runners: runnersWith() })).not.toThrow();
    });
});
