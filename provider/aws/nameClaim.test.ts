import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type NameClaimInputs, NameClaimResource } from "./nameClaim";

const path = "/native-buildx/stack-names/app-prod";
const mine: NameClaimInputs = {
    region: "eu-central-1",
    profile: "",
    stackName: "app-prod",
    owner: "id-of-this-state",
    tags: { "native-buildx": "app-prod" },
};
const others = { ...mine, owner: "id-of-another-state" };

type Call = { Name: string; Value: string; Overwrite?: boolean; Tags?: unknown };

/** What SSM does with parameters. */
const does: { [call: string]: (parameters: Map<string, string>, call: Call) => object } = {
    PutParameter: (parameters, { Name, Value, Overwrite }) => {
        if (parameters.has(Name) && !Overwrite) {
            return { __type: "ParameterAlreadyExists" };
        }
        parameters.set(Name, Value);
        return {};
    },
    GetParameter: (parameters, { Name }) =>
        parameters.has(Name) ? { Parameter: { Name, Value: parameters.get(Name) } } : { __type: "ParameterNotFound" },
    DeleteParameter: (parameters, { Name }) => (parameters.delete(Name) ? {} : { __type: "ParameterNotFound" }),
};

describe("a claim on a stack's name, at a stand-in for SSM's API", () => {
    let server: Server;
    let parameters: Map<string, string>;
    let calls: { name: string; body: Call }[];
    const environment = { ...process.env };
    const resource = new NameClaimResource();

    beforeEach(async () => {
        parameters = new Map();
        calls = [];
        server = createServer(async (request, response) => {
            const name = String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
            let text = "";
            for await (const part of request) {
                text += part;
            }
            const body = JSON.parse(text);
            calls.push({ name, body });
            const answer = does[name]?.(parameters, body) ?? { __type: "AccessDeniedException" };
            response.writeHead("__type" in answer ? 400 : 200, { "content-type": "application/x-amz-json-1.1" });
            response.end(JSON.stringify(answer));
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

    it("is a parameter with the id of the state, and goes with the stack", async () => {
        const { id, outputs } = await resource.create(mine);
        expect({ id, outputs }).toEqual({ id: "app-prod", outputs: mine });
        expect([...parameters]).toEqual([[path, mine.owner]]);
        expect(calls[0]?.body.Tags).toEqual([{ Key: "native-buildx", Value: "app-prod" }]);
        expect(await resource.read(outputs)).toEqual(mine);
        await resource.delete(outputs);
        expect([...parameters]).toEqual([]);
        await resource.delete(outputs);
    });

    it("is refused to another state's stack of the name, which is told what to do, and changes nothing", async () => {
        await resource.create(others);
        await expect(resource.create(mine)).rejects.toThrow(
            /^The name app-prod is another stack's in eu-central-1, .*: pulumi stack rename NAME\. Only if .*: aws ssm delete-parameter --name \/native-buildx\/stack-names\/app-prod --region eu-central-1$/,
        );
        expect([...parameters]).toEqual([[path, others.owner]]);
    });

    it("is found again after an up that was killed before it could note it", async () => {
        parameters.set(path, mine.owner);
        expect((await resource.create(mine)).outputs).toEqual(mine);
    });

    it("is not believed, nor deleted, where somebody has deleted it and another stack has it", async () => {
        await resource.create(mine);
        parameters.set(path, others.owner);
        expect(await resource.read(mine)).toBeUndefined();
        await resource.delete(mine);
        expect([...parameters]).toEqual([[path, others.owner]]);
    });

    it("gets another id where the state has one, and no call for another profile", async () => {
        await resource.create(others);
        expect(resource.changes(others, mine)).toEqual(["owner"]);
        await resource.update(mine, {}, others);
        expect([...parameters]).toEqual([[path, mine.owner]]);
        calls = [];
        await resource.update({ ...mine, profile: "other" }, {}, mine);
        expect(calls).toEqual([]);
    });
});
