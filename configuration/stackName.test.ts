import { stackNameOf } from "../components/stackName";
import { stackNameMistakes } from "./stackName";

describe("the name of a stack", () => {
    it.each([
        ["native-buildx", "dev", "native-buildx-dev"],
        ["native-buildx", "PR-12", "native-buildx-pr-12"],
        ["Shop_API", "Prod.EU", "shop_api-prod.eu"],
    ])("of project %s and stack %s is %s", (project, stack, name) => {
        expect(stackNameOf(project, stack)).toBe(name);
    });

    it.each([
        [
            "native-buildx-prod-amd64",
            "builder of runner amd64 of stack native-buildx-prod, too; choose .* not end in -amd64",
        ],
        ["native-buildx-prod-arm_v7", "builder of runner arm_v7 of stack native-buildx-prod, too"],
        ["native-buildx-prod-pr-arm64_2", "builder of runner arm64_2 of stack native-buildx-prod-pr, too"],
    ])("is refused where it is the name of the builder of another stack's runner: %s", (name, mistake) => {
        expect(stackNameMistakes(name)).toEqual([expect.stringMatching(mistake)]);
    });

    it.each([
        "native-buildx-prod",
        "native-buildx-prod-pr",
        "native-buildx-amd64-prod",
        "native-buildx-prodamd64",
        "my-arm",
    ])("is right where no runner's builder can have it: %s", (name) => {
        expect(stackNameMistakes(name)).toEqual([]);
    });
});
