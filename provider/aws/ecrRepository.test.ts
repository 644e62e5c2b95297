import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Work } from "../resource";
import { type EcrRepositoryInputs, EcrRepositoryResource } from "./ecrRepository";
import { RepositoryGuardResource } from "./repositoryGuard";

const arn = "arn:aws:ecr:eu-central-1:123456789012:repository/team/app";
const inputs: EcrRepositoryInputs = {
    region: "eu-central-1",
    profile: "",
    repositoryName: "team/app",
    scanOnPush: true,
    immutableTags: false,
    movingTags: [],
    lifecyclePolicy: { rules: [] },
    tags: { "native-buildx": "app-prod" },
    forceDelete: false,
};

type Answer = { [name: string]: unknown } | { error: string };

/** What ECR answers, by the call's name; a call that is not there fails. */
describe("an ECR repository, at a stand-in for ECR's API", () => {
    let server: Server;
    let calls: { name: string; body: { [name: string]: unknown } }[];
    /** Several are given one after the other, the last to every later call. */
    let answers: { [call: string]: Answer | Answer[] };
    const environment = { ...process.env };

    beforeEach(async () => {
        // With its clients, which keep the stand-in's address.
        jest.resetModules();
        calls = [];
        answers = {};
        server = createServer(async (request, response) => {
            const name = String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
            let body = "";
            for await (const part of request) {
                body += part;
            }
            calls.push({ name, body: JSON.parse(body) });
            const known = answers[name] ?? { error: "AccessDeniedException" };
            const answer = Array.isArray(known) ? ((known.length > 1 ? known.shift() : known[0]) ?? {}) : known;
            const refused = "error" in answer;
            response.writeHead(refused ? 400 : 200, { "content-type": "application/x-amz-json-1.1" });
            response.end(JSON.stringify(refused ? { __type: answer.error, message: `${name} refused` } : answer));
        });
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        Object.assign(process.env, {
            AWS_ENDPOINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
            AWS_ACCESS_KEY_ID: "key",
            AWS_SECRET_ACCESS_KEY: "secret",
        });
    });

    afterEach(async () => {
        for (const name of ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) {
            delete process.env[name];
        }
        Object.assign(process.env, environment);
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
    });

    const log = jest.fn();
    const work = { urn: "urn:pulumi:prod::p::native-buildx:index:RepositoryGuard::g", log } as unknown as Work;
    const resource = new EcrRepositoryResource();
    const state = { ...inputs, repositoryUrl: "", arn, registryId: "123456789012", createdAt: "" };

    function exists(more: { [name: string]: unknown }, tags: { [name: string]: string }): void {
        const repository = { repositoryArn: arn, registryId: "123456789012", repositoryUri: "host/team/app", ...more };
        answers = {
            CreateRepository: { error: "RepositoryAlreadyExistsException" },
            DescribeRepositories: { repositories: [repository] },
            ListTagsForResource: { tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) },
            ...Object.fromEntries(
                ["PutImageScanningConfiguration", "PutImageTagMutability", "PutLifecyclePolicy", "TagResource"].map(
                    (call) => [call, {}],
                ),
            ),
        };
    }

    it("takes over a repository that has its tags, and gives it all settings", async () => {
        exists({ createdAt: 1_700_000_000 }, { ...inputs.tags, team: "web" });
        const { outputs } = await resource.create(inputs);
        expect(outputs).toMatchObject({ repositoryUrl: "host/team/app", createdAt: "2023-11-14T22:13:20.000Z" });
        expect(calls.map(({ name }) => name)).toEqual(expect.arrayContaining(["PutLifecyclePolicy", "TagResource"]));
        expect(calls.map(({ name }) => name)).not.toContain("UntagResource");
    });

    it("waits until ECR knows a repository that it has just made", async () => {
        exists({}, {});
        answers.CreateRepository = { repository: { repositoryArn: arn, repositoryUri: "host/team/app" } };
        answers.PutImageScanningConfiguration = [{ error: "RepositoryNotFoundException" }, {}];
        const { outputs } = await resource.create(inputs);
        expect(outputs.repositoryUrl).toBe("host/team/app");
        expect(calls.filter(({ name }) => name === "PutImageScanningConfiguration")).toHaveLength(2);
    });

    it("waits where AWS refuses calls because there are too many, longer than the SDK does by itself", async () => {
        exists({}, inputs.tags);
        answers.DescribeRepositories = [
            ...Array<Answer>(4).fill({ error: "ThrottlingException" }),
            answers.DescribeRepositories as Answer,
        ];
        answers.GetLifecyclePolicy = {};
        expect(await resource.read(state)).toMatchObject({ repositoryUrl: "host/team/app" });
        expect(calls.filter(({ name }) => name === "DescribeRepositories")).toHaveLength(5);
    });

    it("is asked for by one client for all repositories of a region and profile, which they share the limits of", () => {
        const { EcrRepositoryCalls } = require("./ecr") as typeof import("./ecr");
        const { ECRClient } = require("@aws-sdk/client-ecr") as typeof import("@aws-sdk/client-ecr");
        const send = jest.spyOn(ECRClient.prototype, "send").mockImplementation(async () => ({}));
        const [one, other] = [inputs, { ...inputs, region: "eu-west-1" }];
        for (const account of [one, one, other]) {
            void new EcrRepositoryCalls(account, "app").find();
        }
        expect(new Set(send.mock.contexts).size).toBe(2);
        send.mockRestore();
    });

    it("is unchanged where ECR names the patterns of tags that move in another order", async () => {
        const filters = ["latest*", "cache-*"].map((filter) => ({ filter, filterType: "WILDCARD" }));
        const mutability = {
            imageTagMutability: "IMMUTABLE_WITH_EXCLUSION",
            imageTagMutabilityExclusionFilters: filters,
        };
        exists({ imageScanningConfiguration: { scanOnPush: true }, ...mutability }, inputs.tags);
        answers.GetLifecyclePolicy = { lifecyclePolicyText: '{"rules":[]}' };
        const wanted = { ...inputs, immutableTags: true, movingTags: ["cache-*", "latest*"] };
        const found = await resource.read({ ...state, ...wanted });
        expect(found && resource.changes(found, wanted)).toEqual([]);
        expect(found && resource.changes(found, { ...wanted, movingTags: ["cache-*"] })).toEqual(["movingTags"]);
    });

    it("leaves one that is another resource's by now, as after its registry was renamed", async () => {
        const renamed = new EcrRepositoryResource();
        await renamed.check(inputs, { urn: "renamed" });
        await renamed.delete({ ...state, forceDelete: true }, work);
        expect(calls).toEqual([]);
        answers.DeleteRepository = {};
        await renamed.delete({ ...state, forceDelete: true }, { ...work, urn: "renamed" });
        expect(calls.map(({ name }) => name)).toEqual(["DeleteRepository"]);
    });

    it("does not take over another's, and says how to give it", async () => {
        exists({}, { "native-buildx": "other-prod" });
        await expect(resource.create(inputs)).rejects.toThrow(
            `aws ecr tag-resource --resource-arn ${arn} --tags Key=native-buildx,Value=app-prod --region eu-central-1`,
        );
        expect(calls.filter(({ name }) => name.startsWith("Put"))).toEqual([]);
    });

    it("does not take over one that is encrypted with another key", async () => {
        exists({ encryptionConfiguration: { encryptionType: "KMS", kmsKey: "arn:old" } }, inputs.tags);
        await expect(resource.create({ ...inputs, kmsKeyArn: "arn:new" })).rejects.toThrow(
            /^kmsKeyArn: .* encrypted with arn:old, which cannot be changed/,
        );
    });

    it("sees in a refresh what somebody changed, leaves others' tags out, and sees that it is gone", async () => {
        exists({ imageScanningConfiguration: { scanOnPush: false }, imageTagMutability: "MUTABLE" }, { team: "web" });
        answers.GetLifecyclePolicy = { lifecyclePolicyText: '{"rules":[]}' };
        const found = await resource.read(state);
        expect(found && resource.changes(found, inputs)).toEqual(["scanOnPush", "tags"]);
        expect(found?.tags).toEqual({});

        answers.DescribeRepositories = { error: "RepositoryNotFoundException" };
        expect(await resource.read(state)).toBeUndefined();
    });

    it("keeps one with images in that account, and says how to delete it, with the profile", async () => {
        answers.DeleteRepository = { error: "RepositoryNotEmptyException" };
        await resource.delete(state, work);
        expect(calls[0]?.body).toEqual({ registryId: "123456789012", repositoryName: "team/app", force: false });
        expect(log).toHaveBeenCalledWith(
            "warning",
            expect.stringMatching(
                /^Repository team\/app still holds images, so it is kept, .*: aws ecr delete-repository --force --registry-id 123456789012 --repository-name team\/app --region eu-central-1$/,
            ),
        );
    });

    it("has a guard that does not guess when AWS cannot be asked", async () => {
        const guard = { ...inputs, repositories: ["team/app"], registryId: "123456789012" };
        await expect(new RepositoryGuardResource().delete(guard, work)).rejects.toThrow(
            "Could not see whether repository team/app still holds images: ListImages refused. Nothing has been deleted.",
        );
        answers.ListImages = { error: "RepositoryNotFoundException" };
        await expect(new RepositoryGuardResource().delete(guard, work)).resolves.toBeUndefined();
    });
});
