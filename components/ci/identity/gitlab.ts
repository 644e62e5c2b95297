import { listOf } from "../../settings/collections";
import { setting, text } from "../../settings/kinds";
import { ofIssuer, onAws, row } from "./identityProvider";
import { refPattern, refWords, splitEntry } from "./refs";

/**
 * GitLab CI, gitlab.com or a server of one's own: https://docs.gitlab.com/ci/secrets/id_token_authentication/
 *
 * A merge request from a fork has the fork's path since GitLab 18.2.2, wherever its pipeline runs. A path that another project
 * had before gets no token, until the project's subjects are made to begin with its id.
 */
export const gitlab = row({
    settings: {
        gitlabProjects: setting(
            listOf(
                "a list of projects",
                text(`GROUP/PROJECT or a project's id, and :${refWords} after it for less`, {
                    pattern: new RegExp(`^(\\d+|\\w[\\w.-]*(/\\w[\\w.-]*)+)(:${refPattern})?$`),
                }),
            ),
            [],
            `${onAws} GitLab projects whose jobs may use the builder: GROUP/PROJECT, or its id, see docs/ci.md; with :BRANCH for one branch.`,
        ),
        gitlabUrl: setting(
            text("https://HOST, without a port", { pattern: /^https:\/\/[\w.-]+(\/[\w.~-]+)*$/ }),
            "https://gitlab.com",
            `${onAws} The GitLab of gitlabProjects. AWS must reach it.`,
        ),
    },
    trusted: ({ gitlabProjects, gitlabUrl }) =>
        // The server's address, as in GitLab's own instructions for AWS: a provider that an account has already takes it.
        ofIssuer(gitlabUrl.replace("https://", ""), gitlabUrl, gitlabProjects, (entry) => {
            const { name, refs } = splitEntry(entry);
            const claim = /^\d+$/.test(name) ? "project_id" : "project_path";
            return refs.map((ref) => `${claim}:${name}:ref_type:${ref.type}:ref:${ref.name}`);
        }),
});
