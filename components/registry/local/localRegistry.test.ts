import { localStackForEach } from "../../../tests/helpers/localStack";
import { dataFolder } from "../../localMachine/dataFolder";
import { LocalRegistry, renderRegistryConfiguration } from "./localRegistry";

describe("the local registry", () => {
    const stack = localStackForEach();

    it("goes by a host name, and its authority's certificate is where Go programs of a machine look", () => {
        expect(stack.registry.trust).toEqual({
            host: "registry.example:7443",
            certificateFile: "trust/demo-dev.pem",
        });
    });

    it("has a folder that goes on destroy together with the certificate, named without this machine's paths", () => {
        const folder = stack.mocks.one("native-buildx:index:LocalFolder", "registry");
        expect(folder.parent).toBe("registry");
        expect(folder.inputs).toMatchObject({ folder: "demo-dev/registry", script: "registry.sh" });
        expect(folder.inputs.alsoRemove).toContain("trust/demo-dev.pem");
        expect(JSON.stringify(stack.mocks.resources)).not.toContain("/data");
    });

    it("gives the connect script what it needs: no secret, and nothing of this machine", () => {
        expect(stack.registry.prepare.script).toContain("prepare_registry_local() (");
        expect(stack.registry.prepare.variables).toEqual({
            registry_folder: "demo-dev/registry",
            registry_host: "registry.example",
            registry_configuration: renderRegistryConfiguration(7443),
            registry_script: expect.stringContaining("registry serve"),
            registry_collect_script: expect.stringContaining("registry garbage-collect"),
            registry_untagged_days: "14",
            trust_file: "../../trust/demo-dev.pem",
            daemon_script: expect.stringContaining("start_daemon()"),
            keys_script: expect.stringContaining("make_server_keys()"),
        });
    });

    it("has a certificate of its own also where its stack's folder is in another's", () => {
        const of = (stackFolder: string) => new LocalRegistry(stackFolder, { stackFolder }).trust.certificateFile;
        expect(["alpha/dev", "beta/dev"].map(of)).toEqual(["trust/alpha%2Fdev.pem", "trust/beta%2Fdev.pem"]);
    });

    it.each([
        [{ registryHost: "localhost" }, 'registryHost: "localhost" must be a host name other than localhost'],
        [{ registryHost: "127.0.0.1" }, 'registryHost: "127.0.0.1" must be a host name other than localhost'],
        [{ path: "Team/Shop" }, 'path: "Team/Shop" cannot be a repository\'s name'],
    ])("refuses %j, which clients would", (args, message) => {
        expect(() => new LocalRegistry("another", { stackFolder: "another", ...args })).toThrow(message);
    });

    it.each<[object, string]>([
        [{}, "stackFolder: must be the folder of the stack, a text, as in NAME-STACK, not nothing"],
        [{ stackFolder: "s", port: 1 }, "port: no such key; there are localPort, "],
        [{ stackFolder: "s", path: 1 }, "path: must be a text, not 1"],
    ])("is told what is wrong with %j", (args, message) => {
        expect(() => new LocalRegistry("another", args as never)).toThrow(message);
    });

    it("serves this machine only, over TLS, and allows deletion", () => {
        const lines = renderRegistryConfiguration(7443)
            .split("\n")
            .map((line) => line.trim());
        expect(lines).toEqual(
            expect.arrayContaining([
                "addr: 127.0.0.1:7443",
                "certificate: tls/cert.pem",
                "key: tls/key.pem",
                "rootdirectory: data",
            ]),
        );
        expect(renderRegistryConfiguration(7443)).toMatch(/^ {2}delete:\n {4}enabled: true$/m);
    });

    it.each([
        ["NATIVE_BUILDX_HOME before all", { NATIVE_BUILDX_HOME: "/n", XDG_DATA_HOME: "/x" }, "/n"],
        ["else the user's data folder", { XDG_DATA_HOME: "/x" }, "/x/native-buildx"],
        ["else that folder's usual place", {}, expect.stringMatching(/\/\.local\/share\/native-buildx$/)],
        ["empty counts as unset", { NATIVE_BUILDX_HOME: "", XDG_DATA_HOME: "/x" }, "/x/native-buildx"],
    ])("keeps its data in %s", (_what, environment, folder) => {
        expect(dataFolder(environment)).toEqual(folder);
    });
});
