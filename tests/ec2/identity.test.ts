import { rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { CreateOpenIDConnectProviderCommand, IAMClient } from "@aws-sdk/client-iam";
import { AssumeRoleWithWebIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { administratorPolicy } from "../../components/ci/administratorPolicy";
import { trustedIssuers } from "../../components/ci/identityProviders";
import { checkedTrust } from "../../components/ci/trust";
import { policiesOfAccount, replay, rolePolicies, Simulation, TokenIssuer } from "../../packages/simulated-ec2";
import { Project } from "../e2e/project";
import { ciJobs, ciOfAcme } from "../helpers/ciJobs";
import { describeHere } from "../helpers/needs";

jest.setTimeout(300_000);

const account = "123456789012";
const role = `arn:aws:iam::${account}:role/native-buildx-acme-ci`;
const tags = { "native-buildx": "native-buildx-acme" };
const gitlabArn = `arn:aws:iam::${account}:oidc-provider/gitlab.com`;

const trusted = trustedIssuers(checkedTrust(ciOfAcme));

/** A program that makes nothing but the CI role. */
class RoleProject extends Project {
    constructor(private readonly simulation: Simulation) {
        super("acme", {}, {});
        this.configure({ "aws:region": simulation.environment.AWS_REGION });
        rmSync(path.join(this.folder, "index.ts"));
    }

    /** Writes it. @param oidcProviderArns the account's own providers that it is to use */
    declare(oidcProviderArns: string[]): void {
        const args = {
            ...ciOfAcme,
            oidcProviderArns,
            connectParameterArns: [`arn:aws:ssm:eu-central-1:${account}:parameter/native-buildx/acme/connect/1`],
            tags,
        };
        writeFileSync(
            path.join(this.folder, "index.ts"),
            `import { CiRole } from "./components/aws";\nnew CiRole("native-buildx-acme-ci", ${JSON.stringify(args)});\n`,
        );
    }

    override get environment(): NodeJS.ProcessEnv {
        const { PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE } = super.environment;
        return { ...super.environment, ...this.simulation.environment, PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE };
    }
}

describeHere("the CI role, and jobs that come with signed tokens", () => {
    let simulation: Simulation;
    let iam: IAMClient;
    let project: RoleProject;
    let emptyAccount: { [kind: string]: string[] };
    let trustOf: (roleArn: string) => unknown;
    const issuers = new Map(
        [...ciJobs.map(({ issuer }) => issuer), "https://evil.example"].map((url) => [url, new TokenIssuer(url)]),
    );
    const of = (url: string) => issuers.get(url) as TokenIssuer;

    beforeAll(async () => {
        simulation = Simulation.start();
        emptyAccount = await simulation.account();
        await simulation.setIssuerKeys(Object.fromEntries([...issuers].map(([url, { jwks }]) => [url, jwks])));
        iam = new IAMClient(simulation.client);
        // Tags that a company gives everything do not make it this stack's.
        const Tags = [{ Key: "native-buildx", Value: tags["native-buildx"] }];
        const theirs = { Url: "https://gitlab.com", ClientIDList: ["https://gitlab.com"], Tags };
        await iam.send(new CreateOpenIDConnectProviderCommand(theirs));
        project = new RoleProject(simulation);
        await project.init();
    }, 600_000);
    afterAll(() => project?.end());
    afterAll(() => simulation?.stop());

    /** What AWS says to a job: STS to its token, then the role's trust policy to what it claims. */
    async function answer(token: string): Promise<string> {
        const before = (await simulation.calls()).length;
        const sts = new STSClient(simulation.client);
        const request = { RoleArn: role, RoleSessionName: "job", WebIdentityToken: token };
        try {
            await sts.send(new AssumeRoleWithWebIdentityCommand(request));
        } catch (error) {
            return (error as Error).name;
        }
        const made = (await simulation.calls()).slice(before);
        expect(made.map(({ action }) => action)).toEqual(["sts:AssumeRoleWithWebIdentity"]);
        return replay(made, () => undefined, trustOf).refused.length > 0 ? "AccessDenied" : "let in";
    }

    it("is not made while the account has a provider that no setting names, which stays", async () => {
        project.declare([]);
        const { code, output } = await project.up();
        expect(code).not.toBe(0);
        expect(output.replaceAll(/\s+/g, " ")).toContain(
            `${gitlabArn} is not this stack's. Append its ARN to setting oidcProviderArns to use it`,
        );
        expect((await simulation.account()).identityProviders).toContain(gitlabArn);
    });

    it("is made with the account's own provider and those that it lacks, whatever a killed up has left", async () => {
        const ofRole = { ...tags, "native-buildx-role": "native-buildx-acme-ci" };
        const Tags = Object.entries(ofRole).map(([Key, Value]) => ({ Key, Value }));
        const left = { Url: "https://agent.buildkite.com", ClientIDList: ["old"], Tags };
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));
        await iam.send(new CreateOpenIDConnectProviderCommand(left));
        project.declare([gitlabArn]);
        const { output } = await project.succeed(project.up());
        expect(output).toContain(
            "Identity provider agent.buildkite.com: removed what an interrupted up had left of it",
        );
        const { identityProviders = [] } = await simulation.account();
        const urls = ciJobs.filter(({ isLetIn }) => isLetIn).map(({ issuer }) => issuer.replace("https://", ""));
        expect(identityProviders).toEqual(
            [...new Set(urls)].map((url) => `arn:aws:iam::${account}:oidc-provider/${url}`).sort(),
        );
        ({ trustOf } = policiesOfAccount(await rolePolicies(simulation), []));
        expect(trustOf(role)).toBeDefined();
    });

    it.each(ciJobs.map((job) => [job.what, job.isLetIn ? "let in" : "refused", job] as const))(
        "%s: %s",
        async (_what, _is, { issuer, claims, isLetIn }) => {
            // STS takes a token of a provider that the account has, for this provider's audience; the role decides of it.
            const audience = trusted.find((one) => `https://${one.issuer}` === issuer)?.audience;
            const refusal = claims.aud === audience ? "AccessDenied" : "InvalidIdentityTokenException";
            expect(await answer(of(issuer).token(claims))).toBe(isLetIn ? "let in" : refusal);
        },
    );

    // A job of each that is let in, and what makes its token none.
    const welcome = [...new Map(ciJobs.filter(({ isLetIn }) => isLetIn).map((job) => [job.issuer, job])).values()];

    it.each(welcome.map((job) => [job.what, job] as const))(
        "%s: refused with a token that is none",
        async (_what, job) => {
            const { claims } = job;
            const issuer = of(job.issuer);
            const kid = issuer.jwks.keys[0]?.kid;
            expect(await answer(issuer.token(claims))).toBe("let in");
            expect(await answer(issuer.token(claims, { expiresIn: -301 }))).toBe("ExpiredTokenException");
            const forged = new TokenIssuer(issuer.url).token(claims, { header: { kid } });
            expect(await answer(forged)).toBe("InvalidIdentityTokenException");
            expect(await answer(issuer.token(claims, { header: { alg: "none" } }))).toBe(
                "InvalidIdentityTokenException",
            );
            expect(await answer(issuer.token({ ...claims, aud: "evil" }))).toBe("InvalidIdentityTokenException");
            expect(await answer(of("https://evil.example").token(claims))).toBe("InvalidIdentityTokenException");
        },
    );

    it("takes its own providers along when it goes, and leaves the account's", async () => {
        await project.succeed(project.pulumi("destroy", "--yes", "--skip-preview"));
        const { identityProviders = [], ...rest } = emptyAccount;
        expect(await simulation.account()).toEqual({ ...rest, identityProviders: [...identityProviders, gitlabArn] });
    });

    it("takes no call that docs/aws-permissions.json does not allow", async () => {
        const { policiesOf } = policiesOfAccount({}, [administratorPolicy()]);
        const own = ["iam:ListRoles", "iam:ListRolePolicies", "iam:GetRolePolicy"];
        const calls = (await simulation.calls()).filter(
            ({ action }) => !own.includes(action) && !action.startsWith("sts:Assume"),
        );
        expect(replay(calls, policiesOf).refused).toEqual([]);
    });
});
