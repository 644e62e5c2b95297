import { listOf } from "../../settings/collections";
import { setting, text } from "../../settings/kinds";
import { ofIssuer, onAws, row } from "./identityProvider";
import { fullRef, refPattern, refWords, splitEntry } from "./refs";

const uuid = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";

/**
 * Any user's id. Not `*`: where builds of forks are given tokens, strangers name a fork and its branch, and a branch
 * `x/vcs-origin/OURS/vcs-ref/refs/heads/main` would end as our own subjects do.
 */
const anyUser = [8, 4, 4, 4, 12].map((length) => "?".repeat(length)).join("-");

/**
 * CircleCI, by `$CIRCLE_OIDC_TOKEN_V2`, whose subject names the repository and the branch:
 * https://circleci.com/docs/guides/permissions-authentication/openid-connect-tokens/
 */
export const circleci = row({
    settings: {
        circleciProjects: setting(
            listOf(
                "a list of projects",
                text(
                    `ORGANIZATION_ID/PROJECT_ID/github.com/OWNER/REPOSITORY, and :${refWords} after it for less; the ids are UUIDs in lower case`,
                    { pattern: new RegExp(`^${uuid}/${uuid}(/[\\w.~-]+){3,}(:${refPattern})?$`) },
                ),
            ),
            [],
            `${onAws} CircleCI projects whose jobs may use the builder: ORGANIZATION_ID/PROJECT_ID/github.com/OWNER/REPOSITORY; with :BRANCH for one branch.`,
        ),
    },
    trusted: ({ circleciProjects }) => {
        const organizationOf = (entry: string) => entry.slice(0, entry.indexOf("/"));
        return [...new Set(circleciProjects.map(organizationOf))].flatMap((organization) =>
            ofIssuer(
                `oidc.circleci.com/org/${organization}`,
                organization,
                circleciProjects.filter((entry) => organizationOf(entry) === organization),
                subjectsOf,
            ),
        );
    },
});

function subjectsOf(entry: string): string[] {
    const { name, refs } = splitEntry(entry);
    const [organization, project, ...origin] = name.split("/");
    const begin = `org/${organization}/project/${project}/user/${anyUser}/vcs-origin/${origin.join("/")}`;
    return refs.map((ref) => `${begin}/vcs-ref/${fullRef(ref)}`);
}
