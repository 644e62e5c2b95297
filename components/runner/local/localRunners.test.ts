import * as pulumi from "@pulumi/pulumi";
import { localStackForEach } from "../../../tests/helpers/localStack";
import { LocalRunners } from "./localRunners";

describe("LocalRunners", () => {
    localStackForEach();

    it.each<[object, string]>([
        [{}, "stackFolder: must be the folder of the stack, a text, as in NAME-STACK, not nothing"],
        [{ stackFolder: "s", idleMinute: 3 }, "idleMinute: no such key; there are platforms, "],
        [
            { stackFolder: "s", trust: "r.example" },
            "trust: must be trust of a registry, as in registry.trust, or a list",
        ],
        [{ stackFolder: "s", trust: [{ host: "r" }] }, "trust: must be trust of a registry"],
    ])("are told what is wrong with %j", (args, message) => {
        expect(() => new LocalRunners("runners", args as never)).toThrow(message);
    });

    it("take no output for what is declared by it", () => {
        const args = { stackFolder: pulumi.output("s"), localPort: pulumi.output(1) };
        expect(() => new LocalRunners("runners", args as never)).toThrow(
            "localPort: must be known when the program runs; an output is not\nstackFolder: must be known when the program runs",
        );
    });
});
