import { stackNameOf } from "./stackName";

describe("the name of a stack", () => {
    it.each([
        ["native-buildx", "dev", "native-buildx-dev"],
        ["native-buildx", "PR-12", "native-buildx-pr-12"],
        ["Shop_API", "Prod.EU", "shop_api-prod.eu"],
    ])("of project %s and stack %s is %s", (project, stack, name) => {
        expect(stackNameOf(project, stack)).toBe(name);
    });
});
