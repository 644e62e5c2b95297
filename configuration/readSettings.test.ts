import fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { knownPlatforms } from "../components/architecture";
import { runnerKinds } from "../components/runner/kinds";
import { freePortsInRow } from "../tests/helpers/freePorts";
import { mockPulumi, resolved, settled } from "../tests/helpers/pulumiMocks";
import { native, StandInMachine } from "../tests/helpers/standInMachine";
import { readSettings, registryKindOf } from "./readSettings";

let here: StandInMachine;
beforeEach(() => {
    here = new StandInMachine();
});
afterEach(() => here.end());

describe("the configuration of a stack", () => {
    beforeEach(async () => {
        await mockPulumi();
    });
    afterEach(async () => {
        await settled();
        pulumi.runtime.setAllConfig({});
    });

    const defaults = {
        runners: "local",
        platforms: JSON.stringify([native]),
        idleMinutes: "15",
        cacheGigabytes: "30",
        registryHost: "registry.example",
    };
    /** @param secrets settings that Pulumi keeps as secrets, or parts of them. @default those that hold any */
    const read = async (changes: { [setting: string]: string }, secrets = ["buildSecrets"]) => {
        const port = await freePortsInRow(1 + knownPlatforms.length);
        const settings = { ...defaults, localPort: String(port), ...changes };
        pulumi.runtime.setAllConfig(
            Object.fromEntries(Object.entries(settings).map(([key, value]) => [`native-buildx:${key}`, value])),
            secrets.map((name) => `native-buildx:${name}`),
        );
        return readSettings("demo-dev", here.home);
    };

    it("becomes plain values; the secrets stay secret, their names count", async () => {
        fs.mkdirSync(path.join(here.home, "app"));
        fs.writeFileSync(path.join(here.home, "app", "Dockerfile"), "FROM scratch\n");
        const images = { app: { context: "app", secrets: ["token"] } };
        const settings = await read({
            images: JSON.stringify(images),
            buildSecrets: JSON.stringify({ token: "TOKEN" }),
        });
        expect(settings).toMatchObject({
            runners: "local",
            platforms: [native],
            images,
            idleMinutes: 15,
            cacheGigabytes: 30,
            registryHost: "registry.example",
        });
        expect(await pulumi.isSecret(settings.buildSecrets)).toBe(true);
        expect(await resolved(settings.buildSecrets)).toEqual({ token: "TOKEN" });
    });

    it("is refused with every mistake, of settings, images and machine, in one error", async () => {
        const wrong = read({
            platforms: JSON.stringify([native, native, "linux/mips"]),
            images: JSON.stringify({ app: { context: "gone", secrets: ["token"] } }),
            cacheGigabytes: "0",
            buildSecrets: JSON.stringify({ key: "line\n".repeat(20_000) }),
            registryHost: "localhost",
        });
        const error = await wrong.then(
            () => undefined,
            (reason) => reason,
        );
        expect(error).toBeInstanceOf(pulumi.RunError);
        const lines = (error as Error).message.split("\n");
        expect(lines[0]).toBe("The configuration has mistakes:");
        expect(lines.slice(1).map((line) => line.match(/^ {2}- ([^:]+): /)?.[1])).toEqual([
            "cacheGigabytes",
            "platforms",
            "platforms",
            "images.app.context",
            "images.app.secrets",
            "buildSecrets.key",
            "registryHost",
        ]);
    });

    it("of the wrong type is refused, whatever it is", async () => {
        const wrong = read({
            images: "app",
            platforms: "{}",
            buildSecrets: '{"pip": {"conf": "SECRET"}}',
            colour: "red",
        });
        await expect(wrong).rejects.toThrow(
            [
                "The configuration has mistakes:",
                `  - platforms: must be a list of at least one of: ${knownPlatforms.join(", ")}, not {}`,
                "  - buildSecrets.pip: must be one text; remove it, and name an id with dots as in " +
                    `pulumi config set --secret --path 'buildSecrets["pip.conf"]' VALUE`,
                "  - colour: no such setting; docs/configuration.md lists all settings",
                '  - images: must be NAME: {context: FOLDER}, not "app"',
            ].join("\n"),
        );
        await expect(wrong).rejects.not.toThrow("SECRET");
    });

    it("shows no login of an address that is wrong", async () => {
        const images = JSON.stringify({
            app: { context: "https://me:S3KRET@host/r.git", cache: "https://me:S3KRET@h" },
        });
        const error = await read({ images, vpc: "https://S3KRET@host?a=S3KRET", colour: "red" }).catch(String);
        expect(error).toContain("- images.app.context: https://***@host/r.git: the login in it would be attested");
        expect(error).toContain('"https://***@h"');
        expect(error).not.toContain("S3KRET");
    });

    it("names no CI jobs for a role of AWS where all is on this machine", async () => {
        await expect(read({ githubRepositories: '["acme/app"]' })).rejects.toThrow(
            "- githubRepositories: lets CI jobs take a role of AWS, but the runners and the registry of this stack are on this machine",
        );
    });

    it.each(["SECRET", '["SECRET"]', '"SECRET"', '{"a": ["SECRET"]}', '{"a": 1.5}'])(
        "shows nothing of secrets that are none: %s",
        async (buildSecrets) => {
            const error = await read({ buildSecrets }).catch((reason: Error) => reason);
            expect((error as Error).message).toMatch(/^The configuration has a mistake:\n {2}- buildSecrets(\.a)?: /);
            expect((error as Error).message).not.toMatch(/SECRET|1\.5/);
        },
    );

    it.each(["\\u0000", "\ufffd"])(
        "refuses a secret that is no text, and does not show it: SECRET%j",
        async (bytes) => {
            const error = await read({ colour: "red", buildSecrets: `{"key": "SECRET${bytes}", "fine": "x"}` }).catch(
                String,
            );
            expect(error).toContain("- buildSecrets.key: has bytes that are no text");
            expect(error).toContain("base64");
            expect(error).toContain("- colour: ");
            expect(error).not.toMatch(/SECRET|buildSecrets\.fine/);
        },
    );

    const plain = (at: string, command: string) =>
        `  - ${at}: is in plain text in the stack's file; take it out, give it up where you got it, and set another by: ` +
        `pulumi config set --secret --path ${command} VALUE`;

    it("has no build secret in plain text, if Pulumi says that none is a secret", async () => {
        const buildSecrets = JSON.stringify({ token: "SECRET", "pip.conf": 1234, none: "" });
        await expect(read({ buildSecrets }, [])).rejects.toThrow(
            new pulumi.RunError(
                [
                    "The configuration has mistakes:",
                    plain("buildSecrets.token", "buildSecrets.token"),
                    plain('buildSecrets["pip.conf"]', `'buildSecrets["pip.conf"]'`),
                ].join("\n"),
            ),
        );
        await expect(read({ buildSecrets: '{"none": ""}' }, [])).resolves.toBeDefined();
    });

    it("has build secrets from elsewhere, as a program may set them, with a word on what cannot be told", async () => {
        const warn = jest.spyOn(pulumi.log, "warn").mockResolvedValue();
        const { buildSecrets } = await read({ buildSecrets: '{"token": "FIRST", "pin": "S3CR3T"}' });
        expect(await resolved(buildSecrets)).toEqual({ token: "FIRST", pin: "S3CR3T" });
        const said = warn.mock.calls.map(([text]) => text);
        warn.mockRestore();
        expect(said).toEqual([
            expect.stringMatching(/^buildSecrets: whether token, pin are in plain text cannot be told/),
        ]);
        expect(said.join()).not.toContain("S3CR3T");
    });

    it("has none in plain text where Pulumi.yaml names another folder for the stack's file", async () => {
        fs.mkdirSync(path.join(here.home, "stacks"));
        fs.writeFileSync(path.join(here.home, "Pulumi.yaml"), "name: native-buildx\nstackConfigDir: stacks\n");
        const secrets = { token: { secure: "v1:x" }, pin: "S3CR3T" };
        const config = { "native-buildx:buildSecrets": secrets };
        fs.writeFileSync(path.join(here.home, "stacks", "Pulumi.dev.yaml"), JSON.stringify({ config }));
        await expect(read({ buildSecrets: '{"token": "FIRST", "pin": "S3CR3T"}' })).rejects.toThrow(
            new pulumi.RunError(`The configuration has a mistake:\n${plain("buildSecrets.pin", "buildSecrets.pin")}`),
        );
    });

    it("says how a number that is a secret is set, where nobody can tell whether it was in plain text", async () => {
        await expect(read({ buildSecrets: '{"pin": 1.5}' })).rejects.toThrow(
            /buildSecrets\.pin: YAML has changed it .* pulumi config set --secret --path buildSecrets\.NAME VALUE$/,
        );
    });

    it("that is empty is not set", async () => {
        expect(await read({ images: "", buildSecrets: "" })).toMatchObject({ images: {}, idleMinutes: 15 });
    });

    it("of a runner type that does not exist is no matter of this machine", async () => {
        await expect(read({ runners: "gcp" })).rejects.toThrow(
            `The configuration has a mistake:\n  - runners: there is no "gcp"; use one of: ${Object.keys(runnerKinds).join(", ")}`,
        );
    });
});

describe("a stack with EC2 runners", () => {
    const environment = { ...process.env };
    beforeEach(async () => {
        delete process.env.AWS_REGION;
        delete process.env.AWS_DEFAULT_REGION;
        await mockPulumi();
    });
    afterEach(async () => {
        await settled();
        pulumi.runtime.setAllConfig({});
        process.env = { ...environment };
    });

    const read = (settings: { [name: string]: string }) => {
        const own = { "native-buildx:runners": "ec2", ...settings };
        pulumi.runtime.setAllConfig(own);
        return readSettings("native-buildx-prod", __dirname);
    };

    it("pushes to ECR where nothing else is said", async () => {
        const settings = await read({
            "aws:region": "eu-central-1",
            "native-buildx:allowedCidrs": '["203.0.113.7/32"]',
        });
        expect(registryKindOf(settings)).toBe("ecr");
        expect(registryKindOf({ ...settings, registry: "generic" })).toBe("generic");
    });

    it("is refused with every mistake, and none is told twice", async () => {
        const wrong = read({
            "native-buildx:allowedCidrs": '"203.0.113.7/32"',
            "native-buildx:emulateOn": '{"linux/arm64": "linux/mips"}',
            "native-buildx:instanceTypes": '{"linux/mips": "m1.large", "linux/arm64": "c7i.large"}',
            "native-buildx:ec2Prices": '{"instanceHour": {"c7g.large": "cheap"}, "volumeGigabyteMonth": "0.08"}',
            "native-buildx:vpc": "here",
        });
        const error = await wrong.catch((reason: Error) => reason);
        expect(
            String((error as Error).message)
                .split("\n")
                .slice(1),
        ).toEqual([
            '  - allowedCidrs: must be a list of address ranges, not "203.0.113.7/32"',
            '  - instanceTypes["linux/mips"]: no such platform here; use: linux/amd64, linux/arm64',
            '  - emulateOn["linux/arm64"]: there is no "linux/mips"; use one of: linux/amd64, linux/arm64',
            '  - ec2Prices.instanceHour["c7g.large"]: must be a price in US dollars, not "cheap"',
            "  - aws:region: is not set; choose one: pulumi config set aws:region eu-central-1",
            `  - vpc "here": a subnet's id looks like subnet-0123456789abcdef0; or write "default" or "new"`,
        ]);
    });

    it.each([
        [
            "accessKey",
            /remove it \(pulumi config rm aws:accessKey\), and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the/,
        ],
        ["secretKey", /AWS_SECRET_ACCESS_KEY/],
        ["token", /AWS_SESSION_TOKEN/],
        ["assumeRoles", /role_arn/],
        ["assumeRole", /role_arn/],
        ["assumeRoleWithWebIdentity", /AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE/],
        ["sharedConfigFiles", /AWS_CONFIG_FILE/],
        ["sharedCredentialsFiles", /AWS_SHARED_CREDENTIALS_FILE/],
    ])("is refused with credentials that only Pulumi's provider would use: aws:%s", async (key, remedy) => {
        const wrong = read({ "aws:region": "eu-central-1", [`aws:${key}`]: "[]" });
        const { message } = (await wrong.catch((reason: Error) => reason)) as Error;
        const lines = message.split("\n").filter((line) => line.startsWith(`  - aws:${key}: `));
        expect(lines).toEqual([expect.stringMatching(remedy)]);
        // With the other mistakes.
        expect(message).toMatch(/^ {2}- allowedCidrs/m);
    });

    it("has no compile cluster where builds are not trusted", async () => {
        const wrong = read({
            "aws:region": "eu-central-1",
            "native-buildx:allowedCidrs": '["203.0.113.7/32"]',
            "native-buildx:compileCluster": "true",
            "native-buildx:readsFrom": '["prod"]',
        });
        await expect(wrong).rejects.toThrow(/compileCluster: with readsFrom, .* remove compileCluster here/);
    });

    it("cannot push to a registry of this machine", async () => {
        const wrong = read({
            "aws:region": "eu-central-1",
            "native-buildx:allowedCidrs": '["203.0.113.7/32"]',
            "native-buildx:registry": "local",
        });
        await expect(wrong).rejects.toThrow(
            'registry: "local" is on this machine, where runners elsewhere cannot reach it; use one of: ecr, generic',
        );
    });
});
