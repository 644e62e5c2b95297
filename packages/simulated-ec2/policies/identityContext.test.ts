import { identityContext } from "./identityContext";

describe("what IAM sees of an identity token", () => {
    const claims = { sub: "s", aud: "a", event_name: "push", ref: "refs/heads/main", project_id: 7 };

    it.each([
        ["git.example", { sub: "s", aud: "a" }],
        ["gitlab.com", { sub: "s", aud: "a", project_id: "7" }],
        ["token.actions.githubusercontent.com", { sub: "s", aud: "a", ref: "refs/heads/main" }],
        ["token.actions.githubusercontent.com/acme", { sub: "s", aud: "a", ref: "refs/heads/main" }],
    ])("of %s: the claims that AWS lists", (issuer, seen) => {
        const keys = Object.entries(seen).map(([claim, value]) => [`${issuer}:${claim}`, value]);
        expect(identityContext({ issuer, claims })).toEqual(Object.fromEntries(keys));
    });

    it("of CircleCI: the project, under a name with a host in it", () => {
        const issuer = "oidc.circleci.com/org/5e31a1c4";
        const project = { "oidc.circleci.com/project-id": "0b3c", "oidc.circleci.com/vcs-ref": "refs/heads/main" };
        expect(identityContext({ issuer, claims: project })).toEqual({
            [`${issuer}:oidc.circleci.com/project-id`]: "0b3c",
        });
    });

    it("takes the party that a token names for its audience, leaves out what is nothing, and keeps lists", () => {
        const token = { aud: ["a", "b"], azp: "b", sub: null, amr: ["x", "y"] };
        expect(identityContext({ issuer: "git.example", claims: token })).toEqual({
            "git.example:aud": "b",
            "git.example:amr": ["x", "y"],
        });
    });
});
