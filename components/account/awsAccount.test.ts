import { execFileSync } from "node:child_process";
import * as pulumi from "@pulumi/pulumi";
import { mockAws } from "../../tests/helpers/awsMocks";
import { inConfiguredProfile } from "./awsAccount";

describe("inConfiguredProfile", () => {
    beforeEach(mockAws);
    afterEach(() => pulumi.runtime.setAllConfig({}));

    it("is nothing where the configuration names no profile", () => {
        expect(inConfiguredProfile()).toBe("");
    });

    it("has the AWS command line use the profile, and no keys of the environment, as Pulumi's provider does", () => {
        pulumi.runtime.setConfig("aws:profile", "it's staging");
        const others = {
            AWS_DEFAULT_PROFILE: "other",
            AWS_ACCESS_KEY_ID: "A",
            AWS_SECRET_ACCESS_KEY: "S",
            AWS_SESSION_TOKEN: "T",
            AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/other",
            AWS_WEB_IDENTITY_TOKEN_FILE: "/token",
        };
        const env = { PATH: process.env.PATH, AWS_REGION: "eu-central-1", ...others };
        const said = execFileSync("sh", ["-c", `${inConfiguredProfile()}\nenv`], { env, encoding: "utf8" });
        expect(said.split("\n").filter((line) => line.startsWith("AWS_"))).toEqual(
            expect.arrayContaining(["AWS_PROFILE=it's staging", "AWS_REGION=eu-central-1"]),
        );
        expect(said).not.toMatch(new RegExp(`^(${Object.keys(others).join("|")})=`, "m"));
    });
});
