import { localStackForEach } from "../../tests/helpers/localStack";
import { resolved } from "../../tests/helpers/pulumiMocks";
import { LocalRegistry } from "../registry/local/localRegistry";
import type { RegistryTrust } from "../registry/registry";
import { LocalRunners } from "../runner/local/localRunners";
import { RemoteBuilder } from "./remoteBuilder";

describe("runners of this machine, and the registry of their builder", () => {
    const stack = localStackForEach();
    const runnersWith = (trust?: RegistryTrust | RegistryTrust[]) =>
        new LocalRunners("runners", { stackFolder: "demo-dev", localPort: 7443, ...(trust ? { trust } : {}) }).runners;
    const otherRegistry = () => new LocalRegistry("other", { stackFolder: "other", registryHost: "other.example" });

    it("have each its own name in connect, whatever the runners trust", async () => {
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

    it("are refused together where they do not trust it, with all other mistakes", () => {
        const { registry } = stack;
        for (const trust of [undefined, otherRegistry().trust]) {
            const runners = runnersWith(trust);
            expect(() => new RemoteBuilder("b", { builder: "1", runners, registry, buildsPerRunner: 0 })).toThrow(
                /^builder: "1" .*\nbuildsPerRunner: .*\nrunners: amd64, arm64 would not trust registry registry\.example:7443; give LocalRunners trust: registry\.trust/,
            );
        }
    });

    it("has a name that no other of the program has, as buildx keeps names", () => {
        const runners = runnersWith();
        new RemoteBuilder("first", { builder: "demo", runners });
        expect(() => new RemoteBuilder("second", { builder: "Demo", runners })).toThrow(
            'builder: "Demo" is RemoteBuilder first\'s already; choose another name',
        );
        new RemoteBuilder("third", { builder: "demo-2", runners });
    });

    it("may be without it where the registry is a builder's of another machine", () => {
        expect(() => new RemoteBuilder("builder", { builder: "demo", runners: runnersWith() })).not.toThrow();
    });
});
