import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { mockPulumi, settled } from "../tests/helpers/pulumiMocks";
import { temporaryFolder } from "../tests/helpers/temporaryFolder";
import { plainSecrets, untoldSecrets, untoldWarning } from "./plainSecrets";
import { stackFile } from "./written";

let project: string;
beforeEach(async () => {
    project = temporaryFolder();
    await mockPulumi();
    hasSecret(true);
});
afterEach(async () => {
    await settled();
    pulumi.runtime.setAllConfig({});
    rmSync(project, { recursive: true });
});

/** Whether Pulumi says that there is a secret among the values. */
function hasSecret(is: boolean): void {
    pulumi.runtime.setAllConfig({}, is ? ["native-buildx:buildSecrets"] : []);
}

/** The file has the setting so. */
function write(buildSecrets: object, file = "Pulumi.dev.yaml", setting = "native-buildx:buildSecrets"): void {
    mkdirSync(path.dirname(path.join(project, file)), { recursive: true });
    writeFileSync(path.join(project, file), JSON.stringify({ config: { [setting]: buildSecrets } }));
}

const arrived = { token: "FIRST", pin: "S3CR3T" };
const encrypted = { secure: "v1:x" };
const file = () => stackFile(project, "dev", "native-buildx");
const told = (values: object = arrived) => ({
    plain: plainSecrets(values, file()),
    untold: untoldSecrets(values, file()),
});

test.each([
    ["Pulumi.dev.yaml", "native-buildx:buildSecrets"],
    ["Pulumi.dev.yaml", "buildSecrets"],
    ["stacks/Pulumi.dev.yaml", "native-buildx:buildSecrets"],
])("the stack's file %s says by %s which values are in plain text", (name, setting) => {
    writeFileSync(path.join(project, "Pulumi.yaml"), `stackConfigDir: ${path.dirname(name)}\n`);
    write({ token: encrypted, pin: "S3CR3T" }, name, setting);
    expect(told()).toEqual({ plain: ["pin"], untold: [] });
    write({ token: encrypted, pin: encrypted }, name, setting);
    expect(told()).toEqual({ plain: [], untold: [] });
});

test("of values that the file does not have nothing is known, but that a secret is among them", () => {
    expect(told()).toEqual({ plain: [], untold: ["token", "pin"] });
    write({ token: encrypted });
    expect(told()).toEqual({ plain: [], untold: ["pin"] });
    expect(untoldWarning(["pin"], file())).toMatch(
        /^buildSecrets: whether pin .* Pulumi\.dev\.yaml, .*stackConfigDir .*: pulumi config set --secret --path buildSecrets\.NAME VALUE$/,
    );
});

test("without a secret among them they are in plain text, wherever they are from", () => {
    hasSecret(false);
    expect(told()).toEqual({ plain: ["token", "pin"], untold: [] });
});

test("a single value, and a setting that is one secret, are secrets", () => {
    expect(told({ token: "FIRST" })).toEqual({ plain: [], untold: [] });
    write(encrypted);
    expect(told()).toEqual({ plain: [], untold: [] });
});
