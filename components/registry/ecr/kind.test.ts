import * as v from "valibot";
import { mockAws, resolved, settled } from "../../../tests/helpers/awsMocks";
import type { ValuesOf } from "../../settings/values";
import type { EcrRegistry } from "./ecrRegistry";
import { kind } from "./kind";
import { ecrSettings } from "./settings";

describe("setting readsFrom", () => {
    beforeEach(async () => {
        process.env.AWS_REGION = "eu-central-1";
        await mockAws();
    });
    afterEach(settled);

    const values = (readsFrom: string[]) =>
        ({
            ...Object.fromEntries(Object.entries(ecrSettings).map(([name, schema]) => [name, v.getDefault(schema)])),
            readsFrom,
        }) as ValuesOf<typeof ecrSettings>;
    const mistakes = (...readsFrom: string[]) => kind.mistakes(values(readsFrom), "native-buildx-prod-pr");

    it("names other stacks of the project, by whose names their repositories are called", async () => {
        expect(mistakes("prod", "Prod.EU")).toEqual([]);
        const context = { stackName: "native-buildx-prod-pr" };
        const registry = kind.create("registry", values(["prod", "Prod.EU"]), context) as EcrRegistry;
        expect(await resolved(registry.readableArns)).toEqual(
            ["prod", "prod/*", "prod.eu", "prod.eu/*"].map(
                (name) => `arn:aws:ecr:eu-central-1:123456789012:repository/native-buildx-${name}`,
            ),
        );
    });

    it.each(["*", "prod*", "pro?", "prod/app", ""])("takes no pattern: %j", (stack) => {
        expect(mistakes(stack)).toEqual([expect.stringContaining(`readsFrom "${stack}": must be the name of a stack`)]);
    });

    it.each(["prod-pr", "PROD-PR"])("does not name the stack itself: %s", (stack) => {
        expect(mistakes(stack)).toEqual([expect.stringContaining(`readsFrom "${stack}": is this stack`)]);
    });
});
