import * as pulumi from "@pulumi/pulumi";
import { accountName, parameterPathOf } from "./accountNames";

/** Of a component in this project and stack. */
function named(project: string, stack: string, name: string) {
    pulumi.runtime.setMocks({ newResource: () => ({ id: "", state: {} }), call: () => ({}) }, project, stack);
    return { role: accountName(name), parameters: parameterPathOf(name) };
}

test.each([
    ["native-buildx", "prod", "native-buildx-prod-arm64", "native-buildx-prod-arm64"],
    ["native-buildx", "PR-12", "native-buildx-pr-12", "native-buildx-pr-12"],
    ["shop", "prod", "runners-arm64", "native-buildx-shop-prod-runners-arm64"],
    ["shop", "prod", "shop-prod-arm64", "native-buildx-shop-prod-arm64"],
    ["native-buildx", "prod", "runners", "native-buildx-prod-runners"],
])("in project %s, stack %s, what %s calls a role is %s", (project, stack, name, role) => {
    expect(named(project, stack, name).role).toBe(role);
});

test("long names stay different, and are as long as AWS takes them", () => {
    const roles = ["amd64", "arm64"].map(
        (end) => named("a-project-of-many-words", "production-eu", `build-runners-${end}`).role,
    );
    expect(new Set(roles).size).toBe(2);
    expect(roles.every(({ length }) => length <= 64)).toBe(true);
});

test("components of two projects or stacks have their parameters apart", () => {
    expect(named("shop", "prod", "runners").parameters).toBe("/native-buildx/shop/prod/runners");
});
