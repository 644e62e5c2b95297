import { listOf } from "../../settings/collections";
import { setting, text } from "../../settings/kinds";
import { ofIssuer, onAws, row } from "./identityProvider";
import { fullRef, refPattern, refWords, splitEntry } from "./refs";

const repository = "[\\w-]+/[\\w.-]+";
const repositoryWithIds = "[\\w-]+@\\d+/[\\w.-]+@\\d+";
const environment = "environment:[^?*$]+";

/**
 * GitHub Actions: https://docs.github.com/en/actions/reference/security/oidc
 *
 * Subjects have ids since July 15, 2026; those of older repositories that did not opt in have none. An entry without ids
 * does not match a subject with ids: somebody may have made a new repository under a name that had become free.
 */
export const github = row({
    settings: {
        githubRepositories: setting(
            listOf(
                "a list of repositories",
                text(`OWNER/REPOSITORY or OWNER@ID/REPOSITORY@ID, and :${refWords} after it for less`, {
                    pattern: new RegExp(
                        `^(${repository}|${repositoryWithIds})(:(${refPattern}|pull_request|${environment}))?$`,
                    ),
                }),
            ),
            [],
            `${onAws} GitHub repositories whose workflows may use the builder: OWNER@ID/REPOSITORY@ID, or without ids, see docs/ci.md; with :BRANCH for one branch.`,
        ),
    },
    trusted: ({ githubRepositories }) =>
        ofIssuer("token.actions.githubusercontent.com", "sts.amazonaws.com", githubRepositories, subjectsOf),
});

function subjectsOf(entry: string): string[] {
    const [name = "", what = ""] = entry.split(/:(.*)/s);
    // A pull request's workflow runs what its author wrote: only this word lets it in.
    if (what === "pull_request") {
        return [`repo:${name}:pull_request`];
    }
    if (what.startsWith("environment:")) {
        const [, named = ""] = what.split(/:(.*)/s);
        return [`repo:${name}:environment:${named.replaceAll(":", "%3A")}`];
    }
    return splitEntry(entry).refs.map((ref) => `repo:${name}:ref:${fullRef(ref)}`);
}
