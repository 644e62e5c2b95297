import { readFileSync } from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { evaluateTrust, identityContext, type TrustRequest } from "../../packages/simulated-ec2";
import { checkout } from "../../tests/helpers/checkout";
import { ciJobs, ciOfAcme } from "../../tests/helpers/ciJobs";
import type { TrustedIssuer } from "./identity/identityProvider";
import { identityProviders, trustedIssuers } from "./identityProviders";
import { ciTrustPolicy } from "./policies";
import { type CiTrustValues, checkedTrust, ciTrustMistakes } from "./trust";

const role = "arn:aws:iam::123456789012:role/native-buildx-prod-ci";
const providerArn = (issuer: string) => `arn:aws:iam::123456789012:oidc-provider/${issuer}`;
const trusted = (settings: Partial<CiTrustValues>) => trustedIssuers(checkedTrust(settings));
const withProviders = (issuers: TrustedIssuer[]) =>
    issuers.map((one) => ({ ...one, providerArn: providerArn(one.issuer) }));

/** Whether these settings let in a job with these claims, by what IAM sees of them. */
function isLetIn(
    settings: Partial<CiTrustValues>,
    url: string,
    claims: { [name: string]: unknown },
    changes: Partial<TrustRequest> = {},
): boolean {
    const issuer = url.replace("https://", "");
    const trust = ciTrustPolicy({ issuers: withProviders(trusted(settings)), principalArns: [] });
    const request: TrustRequest = {
        action: "sts:AssumeRoleWithWebIdentity",
        principal: { Federated: providerArn(issuer) },
        context: identityContext({ issuer, claims }),
        ...changes,
    };
    return evaluateTrust(trust, role, request).outcome === "allowed";
}

/** A job of each CI system that is let in. */
const welcome = [...new Map(ciJobs.filter(({ isLetIn: isIn }) => isIn).map((job) => [job.issuer, job])).values()];

describe("CI jobs", () => {
    it.each(ciJobs.map((job) => [job.what, job.isLetIn ? "let in" : "refused", job] as const))(
        "%s: %s",
        (_what, _is, job) => {
            expect(isLetIn(ciOfAcme, job.issuer, job.claims)).toBe(job.isLetIn);
        },
    );

    it.each(Object.entries(identityProviders))("%s: some are let in, and others refused", (_name, { settings }) => {
        const [list = ""] = Object.keys(settings);
        const entries = ciOfAcme[list as keyof CiTrustValues];
        const issuers = trusted({ [list]: entries }).map(({ issuer }) => `https://${issuer}`);
        const judged = ciJobs.filter(({ issuer }) => issuers.includes(issuer)).map(({ isLetIn: isIn }) => isIn);
        expect(new Set(judged)).toEqual(new Set([true, false]));
    });

    it.each(welcome.map((job) => [job.what, job] as const))(
        "%s: refused where anything of it is missing",
        (_what, job) => {
            const { issuer, claims } = job;
            expect(isLetIn(ciOfAcme, issuer, claims)).toBe(true);
            expect(isLetIn(ciOfAcme, issuer, { ...claims, aud: undefined })).toBe(false);
            expect(isLetIn(ciOfAcme, issuer, { ...claims, sub: undefined })).toBe(false);
            expect(isLetIn(ciOfAcme, issuer, claims, { action: "sts:AssumeRole" })).toBe(false);
            const stranger = { Federated: `${providerArn(issuer.replace("https://", ""))}.evil.example` };
            expect(isLetIn(ciOfAcme, issuer, claims, { principal: stranger })).toBe(false);
            expect(isLetIn(ciOfAcme, `${issuer}.evil.example`, claims)).toBe(false);
            // For another party, to which the token was given.
            expect(isLetIn(ciOfAcme, issuer, { ...claims, azp: "evil" })).toBe(false);
        },
    );

    it("have a GitLab of their own", () => {
        const settings = { gitlabUrl: "https://git.acme.example/gitlab", gitlabProjects: ["acme/app:main"] };
        const claims = { aud: settings.gitlabUrl, sub: "project_path:acme/app:ref_type:branch:ref:main" };
        expect(isLetIn(settings, settings.gitlabUrl, claims)).toBe(true);
        expect(isLetIn(settings, "https://gitlab.com", { ...claims, aud: "https://gitlab.com" })).toBe(false);
    });

    it("of Buildkite are refused where IAM would not see the branch", () => {
        const job = welcome.find(({ issuer }) => issuer === "https://agent.buildkite.com");
        expect(job).toBeDefined();
        expect(isLetIn(ciOfAcme, job?.issuer ?? "", { ...job?.claims, build_branch: undefined })).toBe(false);
    });
});

describe("trusted issuers", () => {
    const issuers = trusted(ciOfAcme);

    it("are nobody unless somebody is named", () => {
        expect(trusted({})).toEqual([]);
        expect(trusted({ gitlabUrl: "https://git.acme.example" })).toEqual([]);
    });

    it("have one statement each, for CircleCI each organization, and for GitHub the branches of environments", () => {
        const other = "5e31a1c4-0f8e-4a1c-9d1e-2f1f7f5c1a09";
        const more = [...(ciOfAcme.circleciProjects ?? []), `${other}/${other}/github.com/acme/app`];
        expect(trusted({ ...ciOfAcme, circleciProjects: more }).map(({ issuer }) => issuer)).toEqual([
            "token.actions.githubusercontent.com",
            "token.actions.githubusercontent.com",
            "token.actions.githubusercontent.com",
            "gitlab.com",
            "oidc.circleci.com/org/5e31a1c4-0f8e-4a1c-9d1e-2f1f7f5c1a01",
            `oidc.circleci.com/org/${other}`,
            "agent.buildkite.com",
        ]);
    });

    it.each(issuers.map((one) => [one.issuer, one] as const))(
        "%s: only claims that IAM knows are asked for",
        (issuer, one) => {
            const asked = Object.values(one.conditions ?? {}).flatMap(Object.keys);
            for (const claim of ["sub", "aud", ...asked]) {
                expect(identityContext({ issuer, claims: { [claim]: "x" } })).toHaveProperty(
                    [`${issuer}:${claim}`],
                    "x",
                );
            }
            expect(identityContext({ issuer, claims: { event_name: "push" } })).toEqual({});
        },
    );
});

describe("settings that name CI", () => {
    const uuid = "5e31a1c4-0f8e-4a1c-9d1e-2f1f7f5c1a01";

    it.each<[keyof CiTrustValues, string[]]>([
        [
            "githubRepositories",
            [
                ...[
                    "acme/*",
                    "*/app",
                    "*",
                    "app",
                    "acme/app/x",
                    "acme/a?p",
                    "acme/app:",
                    "acme/app:*:x",
                    "acme/app:ma*in",
                ],
                ...[
                    "acme@1/app",
                    "acme/app@1",
                    "acme@x/app@1",
                    "acme/app:ref:refs/heads/main",
                    "acme/app:refs/pull/1/merge",
                ],
                ...[
                    "acme/app:environment:",
                    "acme/app:environment:*",
                    "acme/app:main:environment:",
                    "acme/app:pull_request:environment:release",
                    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of IAM's
                    "acme/app:${aws:username}",
                    "acme/app:a b",
                    "acme/app:ma?n",
                ],
            ],
        ],
        [
            "gitlabProjects",
            ["acme", "acme/*", "acme//app", "/acme/app", "acme/app/", "acme/app:a:b", "acme/app:pull request"],
        ],
        [
            "circleciProjects",
            [
                ...[
                    "acme/app",
                    `${uuid}/${uuid}`,
                    `${uuid}/*/github.com/acme/app`,
                    `${uuid}/${uuid}/github.com/acme/*`,
                ],
                ...[`${uuid}/${uuid}/github.com/acme`, `${uuid.toUpperCase()}/${uuid}/github.com/acme/app`],
            ],
        ],
        ["buildkitePipelines", ["acme", "acme/*", "acme/app/x", "acme/App", "acme/app:evil:main"]],
        ["oidcProviderArns", ["github", "arn:aws:iam::1:oidc-provider/gitlab.com", `${providerArn("gitlab.com")}*`]],
        ["trustedPrincipalArns", ["*", "arn:aws:iam::123456789012:role/*", "arn:aws:s3:::bucket", "123456789012"]],
    ])("%s refuses %j", (setting, entries) => {
        for (const entry of entries) {
            const refused = () => checkedTrust({ [setting]: [entry] });
            expect(refused).toThrow(`${setting}[0]: must be `);
            expect(refused).toThrow(`, not ${JSON.stringify(entry)}`);
        }
    });

    it.each([
        "http://gitlab.com",
        "gitlab.com",
        "https://gitlab.com/",
        "https://gitlab.com:8443",
        "https://gitlab.com?x",
    ])("gitlabUrl refuses %s", (gitlabUrl) => {
        expect(() => checkedTrust({ gitlabUrl })).toThrow('gitlabUrl: must be https://HOST, without a port, not "');
    });

    it("are right in docs/ci.md", () => {
        const page = readFileSync(path.join(checkout, "docs/ci.md"), "utf8");
        const [, example = ""] = /```yaml\n( +native-buildx:githubRepositories[^`]*)```/.exec(page) ?? [];
        const settings = Object.entries(parse(example)).map(([name, value]) => [
            name.replace("native-buildx:", ""),
            value,
        ]);
        expect(trusted(Object.fromEntries(settings)).flatMap(({ subjects }) => subjects)).toHaveLength(5);
    });

    it("refuse a provider of the account that none of them is about", () => {
        const settings = { githubRepositories: ["acme/app"], oidcProviderArns: [providerArn("gitlab.com")] };
        expect(ciTrustMistakes(checkedTrust(settings))).toEqual([
            "oidcProviderArns: arn:aws:iam::123456789012:oidc-provider/gitlab.com is the provider of nobody that a setting names " +
                "(token.actions.githubusercontent.com); correct it, or remove it. aws iam list-open-id-connect-providers lists the account's",
        ]);
        expect(ciTrustMistakes(checkedTrust({ ...settings, gitlabProjects: ["acme/app"] }))).toEqual([]);
    });

    it.each<[keyof CiTrustValues, string, string]>([
        ["githubRepositories", "acme/app:日本", "日"],
        ["githubRepositories", "acme/app:environment:Ürün – Test", "–"],
        ["githubRepositories", "acme/app:environment:a\u0007", "\u0007"],
        ["gitlabProjects", "acme/app:refs/tags/v1-łódź", "ł"],
        ["buildkitePipelines", "acme/app:release-🚀/*", "🚀"],
        ["trustedPrincipalArns", "arn:aws:iam::123456789012:role/ци", "ц"],
    ])("%s refuses %j: no policy of IAM may have it", (setting, entry, character) => {
        expect(ciTrustMistakes(checkedTrust({ [setting]: [entry] }))).toEqual([
            `${setting}: ${JSON.stringify(entry)} has ${JSON.stringify(character)}, and policies of IAM have only the ` +
                "characters U+0020 to U+00FF; rename the branch, tag, environment or role",
        ]);
    });

    it("may have every character that IAM takes", () => {
        const githubRepositories = ["acme/app:größe", "acme/app:environment:Test ÿ"];
        expect(ciTrustMistakes(checkedTrust({ githubRepositories }))).toEqual([]);
    });
});
