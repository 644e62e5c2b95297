import * as pulumi from "@pulumi/pulumi";
import { mockPulumi, resolved } from "../../tests/helpers/pulumiMocks";
import { knownText, knownTexts } from "./knownTexts";

describe("texts that other resources give", () => {
    beforeEach(mockPulumi);

    it("are handed on, secrets as such, and what is not known in a preview", async () => {
        const texts = { version: pulumi.output("1.0"), token: pulumi.secret("t"), debug: "" };
        const known = knownTexts("Image app: args", texts);
        expect(await resolved(known)).toEqual({ version: "1.0", token: "t", debug: "" });
        expect(await pulumi.isSecret(known)).toBe(true);
        expect(await resolved(knownTexts("Image app: args"))).toEqual({});
    });

    it.each([
        [undefined, "is undefined. Is its name right"],
        [null, "is undefined. Is its name right"],
        [{ a: 1 }, "is an object. Hand over one of its values"],
        [["a"], "is an object. Hand over one of its values"],
    ])("that are %p are no texts", (value, message) => {
        expect(() => knownText("Image app: args.VERSION", value)).toThrow(
            `Image app: args.VERSION: the value ${message}`,
        );
    });

    it.each([
        [0, "0"],
        [987654321, "987654321"],
        [false, "false"],
        ["text", "text"],
    ])("may be %p", (value, text) => {
        expect(knownText("Image app: args.VERSION", value)).toBe(text);
    });
});
