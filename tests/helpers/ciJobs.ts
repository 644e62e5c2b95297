import type { CiRoleArgs } from "../../components/aws";

const [organization, otherOrganization] = [
    "5e31a1c4-0f8e-4a1c-9d1e-2f1f7f5c1a01",
    "5e31a1c4-0f8e-4a1c-9d1e-2f1f7f5c1a02",
];
const [project, otherProject] = ["0b3cf2b6-7f3a-4d55-8a4e-6f0f3f9b2b01", "0b3cf2b6-7f3a-4d55-8a4e-6f0f3f9b2b02"];
const user = "9c1185a5-44a5-4ba5-9f1c-3f6a1d2e3c01";
const commit = "9f3182061f1e2cca4702c368cbc039b7dc9d4485";

/** What the jobs below are judged by: of every CI system some named, with one branch or with all. */
export const ciOfAcme: Partial<CiRoleArgs> = {
    githubRepositories: [
        "acme/app:main",
        "acme@123/web@456:main",
        "acme/tools",
        "acme/site:environment:Production:V 1",
        "acme/shop:main:environment:release",
        "acme/lab:pull_request",
        "acme/lib:release/*",
        "acme/lib:refs/tags/v*",
    ],
    gitlabProjects: ["acme/app:main", "acme/parts/tools", "4711:main"],
    circleciProjects: [
        `${organization}/${project}/github.com/acme/app:main`,
        `${organization}/${otherProject}/github.com/acme/tools`,
    ],
    buildkitePipelines: ["acme/app:main", "acme/tools"],
};

/** A job of a CI system, by the claims of its token. */
export interface CiJob {
    what: string;
    /** Of its token. */
    issuer: string;
    claims: { [name: string]: unknown };
    isLetIn: boolean;
}

type Jobs = readonly (readonly [what: string, claims: { [name: string]: unknown }, isLetIn: boolean])[];

const jobsOf = (issuer: string, jobs: Jobs): CiJob[] =>
    jobs.map(([what, claims, isLetIn]) => ({
        what: `${issuer.replace(/^https:\/\//, "")}: ${what}`,
        issuer,
        claims,
        isLetIn,
    }));

/** Where a pull request is built. */
const merge = { event_name: "pull_request", ref: "refs/pull/1/merge" };

/** @param about what follows the repository in the subject */
const github = (repository: string, about: string, claims: object = {}) => ({
    aud: "sts.amazonaws.com",
    sub: `repo:${repository}:${about}`,
    repository: repository.replaceAll(/@\d+/g, ""),
    ref: about.startsWith("ref:") ? about.slice("ref:".length) : "refs/heads/main",
    ...claims,
});

const githubJobs = jobsOf("https://token.actions.githubusercontent.com", [
    ["the branch", github("acme/app", "ref:refs/heads/main"), true],
    ["another branch", github("acme/app", "ref:refs/heads/topic"), false],
    ["a branch that begins as ours", github("acme/app", "ref:refs/heads/main2"), false],
    ["a tag of the branch's name", github("acme/app", "ref:refs/tags/main"), false],
    ["a pull request", github("acme/app", "pull_request", merge), false],
    ["an environment", github("acme/app", "environment:main"), false],
    ["another repository", github("acme/app2", "ref:refs/heads/main"), false],
    ["a fork", github("evil/app", "ref:refs/heads/main"), false],
    ["an owner whose name ends as ours", github("evil-acme/app", "ref:refs/heads/main"), false],
    ["a repository made again under its name", github("acme@999/app@1", "ref:refs/heads/main"), false],
    ["the branch, by ids", github("acme@123/web@456", "ref:refs/heads/main"), true],
    ["the repository made again under its name", github("acme@123/web@457", "ref:refs/heads/main"), false],
    ["the owner made again under its name", github("acme@124/web@456", "ref:refs/heads/main"), false],
    ["the repository without its ids", github("acme/web", "ref:refs/heads/main"), false],
    ["any branch, where all are meant", github("acme/tools", "ref:refs/heads/topic"), true],
    ["any tag, where all are meant", github("acme/tools", "ref:refs/tags/v1"), true],
    ["a pull request, where all branches are meant", github("acme/tools", "pull_request", merge), false],
    ["a pull request's merge, where all branches are meant", github("acme/tools", "ref:refs/pull/1/merge"), false],
    ["an environment, where all branches are meant", github("acme/tools", "environment:main"), false],
    ["the environment, as GitHub writes its colon", github("acme/site", "environment:Production%3AV 1"), true],
    ["a tag in the environment", github("acme/site", "environment:Production%3AV 1", { ref: "refs/tags/v1" }), true],
    // Its subject is that of any job in the environment.
    ["a pull request with an environment", github("acme/site", "environment:Production%3AV 1", merge), false],
    ["another environment", github("acme/site", "environment:Production"), false],
    ["the branch in the environment", github("acme/shop", "environment:release"), true],
    ["another branch that names it", github("acme/shop", "environment:release", { ref: "refs/heads/topic" }), false],
    ["a pull request that names it", github("acme/shop", "environment:release", merge), false],
    ["the branch outside of the environment", github("acme/shop", "ref:refs/heads/main"), false],
    ["a branch, where an environment is meant", github("acme/site", "ref:refs/heads/main"), false],
    ["a pull request, where it is meant", github("acme/lab", "pull_request", merge), true],
    ["a branch, where pull requests are meant", github("acme/lab", "ref:refs/heads/main"), false],
    ["a branch of a pattern", github("acme/lib", "ref:refs/heads/release/1"), true],
    ["a branch that is none of a pattern", github("acme/lib", "ref:refs/heads/old-release/1"), false],
    ["a tag of a pattern", github("acme/lib", "ref:refs/tags/v1"), true],
    ["a branch of a tag's pattern", github("acme/lib", "ref:refs/heads/v1"), false],
    ["the whole subject after another's name", github("evil/x", "repo:acme/app:ref:refs/heads/main"), false],
    // GitHub's own default, where an action has not asked for AWS's.
    ["another audience", github("acme/app", "ref:refs/heads/main", { aud: "https://github.com/acme" }), false],
]);

const gitlab = (path: string, ref: string, type = "branch", claims: object = {}) => ({
    aud: "https://gitlab.com",
    sub: `project_path:${path}:ref_type:${type}:ref:${ref}`,
    project_path: path,
    ...claims,
});

/** Of a project whose subjects were made to begin with its id. */
const gitlabById = (id: string, ref: string) => ({
    ...gitlab("acme/old", ref),
    sub: `project_id:${id}:ref_type:branch:ref:${ref}`,
    project_id: id,
});

const gitlabJobs = jobsOf("https://gitlab.com", [
    ["the branch", gitlab("acme/app", "main"), true],
    ["another branch", gitlab("acme/app", "topic"), false],
    ["a tag of the branch's name", gitlab("acme/app", "main", "tag"), false],
    ["another project", gitlab("acme/app2", "main"), false],
    ["a merge request of a fork, which has the fork's path", gitlab("evil/app", "main"), false],
    ["a project of a group of our name", gitlab("evil/acme/app", "main"), false],
    ["a branch, where all are meant", gitlab("acme/parts/tools", "topic"), true],
    ["a tag, where all are meant", gitlab("acme/parts/tools", "v1", "tag"), true],
    ["a project below ours", gitlab("acme/parts/tools/more", "main"), false],
    [
        "our subject in the name of a branch",
        gitlab("evil/app", "project_path:acme/app:ref_type:branch:ref:main"),
        false,
    ],
    [
        "a subject of other parts",
        { ...gitlab("acme/app", "main"), sub: "project_path:acme/app:user_login:main" },
        false,
    ],
    ["the branch, by the project's id", gitlabById("4711", "main"), true],
    ["another branch, by the project's id", gitlabById("4711", "topic"), false],
    ["another project's id", gitlabById("47112", "main"), false],
    ["the id of a project that is named by its path", gitlabById("acme/app", "main"), false],
    ["a path that is the id", gitlab("4711", "main"), false],
    ["another audience", gitlab("acme/app", "main", "branch", { aud: "sts.amazonaws.com" }), false],
]);

const origin = (repository: string, ref: string) => `/vcs-origin/github.com/${repository}/vcs-ref/${ref}`;
const circleci = (projectId: string, rest: string, claims: object = {}) => ({
    aud: organization,
    sub: `org/${organization}/project/${projectId}/user/${user}${rest}`,
    "oidc.circleci.com/project-id": projectId,
    ...claims,
});
const smuggled = `refs/heads/x${origin("acme/app", "refs/heads/main")}`;

const circleciJobs = jobsOf(`https://oidc.circleci.com/org/${organization}`, [
    ["the branch", circleci(project, origin("acme/app", "refs/heads/main")), true],
    ["another branch", circleci(project, origin("acme/app", "refs/heads/topic")), false],
    ["a tag of the branch's name", circleci(project, origin("acme/app", "refs/tags/main")), false],
    ["another project", circleci(otherProject, origin("acme/app", "refs/heads/main")), false],
    ["a fork's pull request", circleci(project, origin("evil/app", "refs/heads/main")), false],
    [
        "a fork's branch that is called as the end of our subject",
        circleci(project, origin("evil/app", smuggled)),
        false,
    ],
    [
        "the same, where all branches are meant",
        circleci(otherProject, origin("evil/tools", `refs/heads/x${origin("acme/tools", "refs/heads/y")}`)),
        false,
    ],
    ["a pull request", circleci(otherProject, origin("acme/tools", "refs/pull/1/head")), false],
    ["any branch, where all are meant", circleci(otherProject, origin("acme/tools", "refs/heads/topic")), true],
    ["the first kind of token, which names no branch", circleci(project, ""), false],
    ["another audience", circleci(project, origin("acme/app", "refs/heads/main"), { aud: "sts.amazonaws.com" }), false],
]);

const otherOrganizationsJobs = jobsOf(`https://oidc.circleci.com/org/${otherOrganization}`, [
    ["our subject from another organization", circleci(project, origin("acme/app", "refs/heads/main")), false],
    [
        "our subject and audience from another organization's project",
        circleci(project, origin("acme/app", "refs/heads/main"), { "oidc.circleci.com/org-id": organization }),
        false,
    ],
]);

const buildkite = (pipeline: string, ref: string, claims: object = {}) => ({
    aud: "sts.amazonaws.com",
    sub: `organization:${pipeline.replace("/", ":pipeline:")}:ref:${ref}:commit:${commit}:step:build`,
    organization_slug: pipeline.split("/")[0],
    pipeline_slug: pipeline.split("/")[1],
    build_branch: ref.replace(/^refs\/(heads|tags)\//, ""),
    build_commit: commit,
    ...claims,
});

const buildkiteJobs = jobsOf("https://agent.buildkite.com", [
    ["the branch", buildkite("acme/app", "refs/heads/main"), true],
    ["another branch", buildkite("acme/app", "refs/heads/topic"), false],
    ["a tag of the branch's name", buildkite("acme/app", "refs/tags/main"), false],
    ["another pipeline", buildkite("acme/app-two", "refs/heads/main"), false],
    ["another organization", buildkite("evil/app", "refs/heads/main"), false],
    ["a fork's branch", buildkite("acme/app", "refs/heads/evil:main"), false],
    // What Buildkite makes of a fork's branch, USER:BRANCH, reads on as our subject does.
    ["the branch `commit` of a user `main`", buildkite("acme/app", "refs/heads/main:commit"), false],
    ["any branch, where all are meant", buildkite("acme/tools", "refs/heads/topic"), true],
    ["any tag, where all are meant", buildkite("acme/tools", "refs/tags/v1"), true],
    ["a fork's branch, where all are meant", buildkite("acme/tools", "refs/heads/evil:main"), false],
    ["a subject of one id", buildkite("acme/tools", "refs/heads/main", { sub: project }), false],
    ["another audience", buildkite("acme/app", "refs/heads/main", { aud: "https://buildkite.com/acme" }), false],
]);

/** Jobs of all CI systems, and whether `ciOfAcme` is to let them in. */
export const ciJobs = [...githubJobs, ...gitlabJobs, ...circleciJobs, ...otherOrganizationsJobs, ...buildkiteJobs];
