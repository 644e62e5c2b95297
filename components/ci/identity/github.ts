import { listOf } from "../../settings/collections";
import { setting, text } from "../../settings/kinds";
import { ofIssuer, onAws, row } from "./identityProvider";
import { fullRef, refPattern, refWords, splitEntry } from "./refs";

const repository = "[\\w-]+/[\\w.-]+";
const repositoryWithIds = "[\\w-]+@\\d+/[\\w.-]+@\\d+";
const environment = "environment:[^?*$]+";
const issuer = "token.actions.githubusercontent.com";

/**
 * GitHub Actions: https://docs.github.com/en/actions/reference/security/oidc
 *
 * A job in an environment has no branch in its subject, whatever started it, a pull request too: the branch is another
 * claim's, which IAM knows since 2026.
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
                        `^(${repository}|${repositoryWithIds})(:(${refPattern}|pull_request|((?!pull_request:)${refPattern}:)?${environment}))?$`,
                    ),
                }),
            ),
            [],
            `${onAws} GitHub repositories whose workflows may use the builder: OWNER@ID/REPOSITORY@ID, or without ids, see docs/ci.md; with :BRANCH for one branch.`,
        ),
    },
    trusted: ({ githubRepositories }) => {
        const byClaim = new Set(githubRepositories.map(refsByClaim));
        return [...byClaim].flatMap((refs) => {
            const entries = githubRepositories.filter((entry) => refsByClaim(entry) === refs);
            const trusted = ofIssuer(issuer, "sts.amazonaws.com", entries, subjectsOf);
            const conditions = { StringLike: { ref: refs.split(" ") } };
            return refs === "" ? trusted : trusted.map((one) => ({ ...one, conditions }));
        });
    },
});

/** Of `REPOSITORY:environment:NAME` or `REPOSITORY:BRANCH:environment:NAME`: a branch has no colon, an environment may. */
function placeOf(entry: string): { entry: string; environment: string } | undefined {
    const [, rest, named] = /^([^:]+(?::(?!environment:)[^:]+)?):environment:(.*)$/s.exec(entry) ?? [];
    return rest === undefined || named === undefined ? undefined : { entry: rest, environment: named };
}

/** What an entry's jobs must have as `ref`, with spaces between; empty where their subject says it. */
function refsByClaim(entry: string): string {
    const place = placeOf(entry);
    return place ? splitEntry(place.entry).refs.map(fullRef).join(" ") : "";
}

function subjectsOf(entry: string): string[] {
    const [name = "", what = ""] = entry.split(/:(.*)/s);
    // A pull request's workflow runs what its author wrote: only this word lets it in.
    if (what === "pull_request") {
        return [`repo:${name}:pull_request`];
    }
    const place = placeOf(entry);
    if (place) {
        return [`repo:${name}:environment:${place.environment.replaceAll(":", "%3A")}`];
    }
    return splitEntry(entry).refs.map((ref) => `repo:${name}:ref:${fullRef(ref)}`);
}
