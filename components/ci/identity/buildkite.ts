import { listOf } from "../../settings/collections";
import { setting, text } from "../../settings/kinds";
import { ofIssuer, onAws, row } from "./identityProvider";
import { fullRef, refPattern, refWords, splitEntry } from "./refs";

/**
 * A branch of git has no colon; Buildkite calls the branch of a fork `USER:BRANCH`. Without this condition `heads/*` would
 * let forks in, and the branch `commit` of a user `main` would pass for branch `main`.
 */
const noFork = {
    Null: { build_branch: "false" },
    StringNotLike: { build_branch: "*:*" },
};

/** Buildkite: https://buildkite.com/docs/agent/cli/reference/oidc */
export const buildkite = row({
    settings: {
        buildkitePipelines: setting(
            listOf(
                "a list of pipelines",
                text(`ORGANIZATION/PIPELINE by their slugs, and :${refWords} after it for less`, {
                    pattern: new RegExp(`^[a-z0-9-]+/[a-z0-9_-]+(:${refPattern})?$`),
                }),
            ),
            [],
            `${onAws} Buildkite pipelines whose jobs may use the builder: ORGANIZATION/PIPELINE by their slugs; with :BRANCH for one branch.`,
        ),
    },
    trusted: ({ buildkitePipelines }) =>
        ofIssuer("agent.buildkite.com", "sts.amazonaws.com", buildkitePipelines, subjectsOf).map((trusted) => ({
            ...trusted,
            conditions: noFork,
        })),
});

function subjectsOf(entry: string): string[] {
    const { name, refs } = splitEntry(entry);
    const [organization, pipeline] = name.split("/");
    return refs.map((ref) => `organization:${organization}:pipeline:${pipeline}:ref:${fullRef(ref)}:commit:*`);
}
