import { listOf, setting, text } from "../../settings/kinds";
import { ofIssuer, onAws, row } from "./identityProvider";
import { fullRef, refPattern, refWords, splitEntry } from "./refs";

const repository = "[\\w-]+/[\\w.-]+";
const repositoryWithIds = "[\\w-]+@\\d+/[\\w.-]+@\\d+";
const environment = "environment:[^?*$]+";

/**
 * GitHub Actions: https://docs.github.com/en/actions/reference/security/oidc
 *
 * Subjects have ids since July 15, 2026; older repositories that did not opt in have none. Neither form is taken for the
 * other: a repository that somebody makes under a name that has become free has ids, which must not count as the name.
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
            `${onAws} GitHub repositories whose workflows may use the builder: OWNER@ID/REPOSITORY@ID, or without ids, see docs/aws.md; with :BRANCH for one branch.`,
        ),
    },
    trusted: ({ githubRepositories }) =>
        ofIssuer("token.actions.githubusercontent.com", "sts.amazonaws.com", githubRepositories, subjectsOf),
});

function subjectsOf(entry: string): string[] {
    const [name = "", what = ""] = entry.split(/:(.*)/s);
    // A pull request's workflow runs what its author wrote: it is let in by this word alone.
    if (what === "pull_request") {
        return [`repo:${name}:pull_request`];
    }
    if (what.startsWith("environment:")) {
        const [, named = ""] = what.split(/:(.*)/s);
        return [`repo:${name}:environment:${named.replaceAll(":", "%3A")}`];
    }
    return splitEntry(entry).refs.map((ref) => `repo:${name}:ref:${fullRef(ref)}`);
}
