import { realpathSync } from "node:fs";
import * as path from "node:path";
import { StandInMachine } from "../../../tests/helpers/standInMachine";
import { registryMachineMistakes } from "./machine";

let here: StandInMachine;
beforeEach(() => {
    here = new StandInMachine();
});
afterEach(() => here.end());

describe("this machine, as the stack's registry,", () => {
    const mistakesOf = (changes: Partial<Parameters<typeof registryMachineMistakes>[0]> = {}) =>
        registryMachineMistakes({ localPort: 0, registryHost: "registry.example", ...changes }, "running");

    it("can be it", async () => {
        expect(await mistakesOf()).toEqual([]);
    });

    it("must have the port free, or its own registry there", async () => {
        const { port } = await here.serve("running/registry");
        expect(await mistakesOf({ localPort: port })).toEqual([]);
        expect(await mistakesOf({ localPort: await here.listen() })).toEqual([
            expect.stringMatching(/^localPort: port \d+, for the registry, is in use by something else; /),
        ]);
    });

    it("says which stack's daemon has the port", async () => {
        const { port, pid } = await here.serve("other/registry");
        const folder = realpathSync(path.join(here.home, "other/registry"));
        const taken = `localPort: port ${port}, for the registry, is in use by process ${pid} of another stack, in ${folder};`;
        expect(await mistakesOf({ localPort: port })).toEqual([
            `${taken} take that stack down, or choose another first port: pulumi config set localPort NUMBER`,
        ]);
    });

    it.each(["localhost", "127.0.0.1", "::1", "[::1]", "registry.example:5000", "my registry", "-x", ""])(
        "cannot have a registry that goes by %j",
        async (registryHost) => {
            expect(await mistakesOf({ registryHost })).toEqual([
                `registryHost: "${registryHost}" must be a host name other than localhost, and no address`,
            ]);
        },
    );

    it("must know the registry's name as its own", async () => {
        const remedy = "echo '127.0.0.1 other.example' | sudo tee -a /etc/hosts";
        expect(await mistakesOf({ registryHost: "other.example" })).toEqual([
            `registryHost: other.example is not known on this machine; run tools/setup.sh as root, or: ${remedy}`,
        ]);
        here.addresses["other.example"] = "192.0.2.1";
        expect(await mistakesOf({ registryHost: "other.example" })).toEqual([
            `registryHost: other.example leads to 192.0.2.1, not to this machine alone; choose another name, or: ${remedy}`,
        ]);
    });
});
