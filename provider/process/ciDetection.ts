/** Variables of which each, where it is not empty, is a CI system's: Pulumi's own list, sdk/go/common/util/ciutil/detect.go of v3.259.0. */
const variables = [
    ...["PULUMI_CI_SYSTEM", "APPVEYOR", "CODEBUILD_BUILD_ARN", "bamboo_planKey", "BITBUCKET_COMMIT", "TF_BUILD"],
    ...["BUILDKITE", "CIRCLECI", "CF_BUILD_URL", "DRONE", "GITHUB_ACTIONS", "GITLAB_CI", "GO_PIPELINE_LABEL"],
    ...["HUDSON_URL", "JENKINS_URL", "MAGNUM", "SEMAPHORE", "SPACELIFT_MAX_REQUESTS_BURST"],
    ...["TF_VAR_spacelift_run_trigger", "SPACELIFT_STORE_HOOKS_ENV_VARS", "TF_VAR_spacelift_commit_branch"],
    ...["SPACELIFT_WORKER_TRACING_ENABLED", "TASK_ID", "RUN_ID", "TEAMCITY_VERSION", "TRAVIS"],
];

/** Whether Pulumi takes a process with this environment for a CI job's. */
export function isInCi(environment: NodeJS.ProcessEnv): boolean {
    return (
        !environment.PULUMI_DISABLE_CI_DETECTION &&
        (environment.CI_NAME === "codeship" || variables.some((name) => environment[name]))
    );
}
