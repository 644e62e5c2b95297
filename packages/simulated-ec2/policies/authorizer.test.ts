import { Authorizer, refusalOf } from "./authorizer";

const account = "123456789012";
const session = `arn:aws:sts::${account}:assumed-role/ci/job`;
const parameter = (name: string) => `arn:aws:ssm:eu-central-1:${account}:parameter/${name}`;
const call = (name: string) => ({
    ...{ time: 0, principal: session, action: "ssm:GetParameter", resources: [parameter(name)] },
    ...{ region: "eu-central-1", status: 0 },
});
const policies = [
    {
        Version: "2012-10-17",
        Statement: [{ Sid: "Read", Effect: "Allow", Action: "ssm:GetParameter", Resource: parameter("own") }],
    },
];
const trust = (AWS: string) => ({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS } }],
});
const assuming = {
    ...call(""),
    action: "sts:AssumeRole",
    resources: [`arn:aws:iam::${account}:role/ci`],
    principal: `arn:aws:iam::${account}:user/anna`,
};

describe("what the simulation is told of a call", () => {
    it("is nothing where a role's policies allow it, and AWS's words where they do not", () => {
        expect(refusalOf({ call: call("own"), policies, trust: null })).toBeNull();
        expect(refusalOf({ call: call("other"), policies, trust: null })).toBe(
            `User: ${session} is not authorized to perform: ssm:GetParameter on resource: ${parameter("other")} because no statement allows it`,
        );
    });

    it("goes by whom a role trusts", () => {
        expect(refusalOf({ call: assuming, policies: null, trust: trust(assuming.principal) })).toBeNull();
        expect(
            refusalOf({ call: assuming, policies: null, trust: trust(`arn:aws:iam::${account}:user/bert`) }),
        ).toMatch(/user\/anna is not authorized to perform: sts:AssumeRole on resource: .*role\/ci /);
    });

    it("is an error where a policy cannot be read: nothing is allowed then", async () => {
        const authorizer = await Authorizer.start();
        const ask = (question: unknown) =>
            fetch(authorizer.url, { method: "POST", body: JSON.stringify(question) }).then(({ status }) => status);
        expect(await ask({ call: call("own"), policies, trust: null })).toBe(200);
        expect(await ask({ call: call("own"), policies: [{}], trust: null })).toBe(500);
        authorizer.end();
    });
});
