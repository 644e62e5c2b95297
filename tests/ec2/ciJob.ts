import { mkdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { ECRClient, GetAuthorizationTokenCommand } from "@aws-sdk/client-ecr";
import { AssumeRoleWithWebIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import type { Result } from "../e2e/commands";
import type { Ec2Project } from "./ec2Project";

/** A CI job on a machine (a HOME) of its own, with nothing but the role of a stack, and the role's login at the registry. */
export class CiJob {
    private constructor(
        readonly project: Ec2Project,
        readonly env: NodeJS.ProcessEnv,
        /** The role's login at the registry. */
        readonly password: string,
    ) {}

    /** @param token with which it assumes the role */
    static async start(project: Ec2Project, token: string): Promise<CiJob> {
        const { client, environment } = project.simulation;
        const { ciRoleArn } = await project.outputs();
        const session = { RoleArn: ciRoleArn, RoleSessionName: "job", WebIdentityToken: token };
        const { Credentials } = await new STSClient(client).send(new AssumeRoleWithWebIdentityCommand(session));
        const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = Credentials ?? {};
        const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
        const ecr = new ECRClient({ ...client, credentials });
        const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
        const auth = authorizationData?.[0]?.authorizationToken ?? "";
        const home = project.homeOf("job").HOME ?? "";
        mkdirSync(path.join(home, ".docker"), { recursive: true });
        const auths = { [environment.SIM_REGISTRY ?? ""]: { auth } };
        writeFileSync(path.join(home, ".docker/config.json"), JSON.stringify({ auths }));
        const keys = {
            AWS_ACCESS_KEY_ID: AccessKeyId,
            AWS_SECRET_ACCESS_KEY: SecretAccessKey,
            AWS_SESSION_TOKEN: SessionToken,
        };
        return new CiJob(project, { HOME: home, ...keys }, Buffer.from(auth, "base64").toString().slice("AWS:".length));
    }

    run(command: string, args: string[], input?: string): Promise<Result> {
        return this.project.run(command, args, { env: this.env, input });
    }

    /** Runs a stack's connect script. */
    connect(script: string): Promise<Result> {
        return this.run("sh", ["-s", "--", "linux/amd64"], script);
    }

    /** Builds on the runner of the job's stack. */
    build(lines: string[], ...options: string[]): Promise<Result> {
        const { stack } = this.project;
        const context = this.project.context("attempt", lines);
        const builder = ["--builder", `native-buildx-${stack}`, "--platform", "linux/amd64"];
        return this.run("buildx", [
            ...["build", ...builder, "--provenance=false", "--progress=plain"],
            ...options,
            context,
        ]);
    }
}
