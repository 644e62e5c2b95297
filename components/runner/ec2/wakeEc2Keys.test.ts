import { shells } from "../../../tests/helpers/workbench";
import { noCapacity, running, type Scene, wakeBenchForEach } from "./wakeEc2Bench";

describe.each(shells)("keys of EC2 runners in %s", (_name, shell) => {
    const bench = wakeBenchForEach(shell);
    const wake = (scene: Scene) => bench().wake(scene);

    const pem = (kind: string) => `-----BEGIN ${kind}-----\nMIIB+/=\n-----END ${kind}-----\n`;
    const bundle = pem("CERTIFICATE") + pem("CERTIFICATE") + pem("PRIVATE KEY");

    function keys(parameter: string, ...lines: string[]) {
        bench().write("parameter", parameter);
        return bench().call("keys_ec2 arm64", lines);
    }

    it("prints the keys that the runner has published, and nothing around them", async () => {
        const result = await keys(`a warning of the AWS CLI\n${bundle}`);
        expect(result).toEqual({ status: 0, stdout: bundle, stderr: "" });
        expect(bench().calls).toEqual([
            "aws ssm get-parameter --region eu-central-1 --name /nbx/arm64/keys --with-decryption --query Parameter.Value --output text",
        ]);
    });

    it("reads those of the machine that was woken", async () => {
        await wake({
            states: { "i-0a": [noCapacity], "i-0b": [running] },
            starts: { "i-0a": ["InsufficientInstanceCapacity"] },
            changes: { fallbacks_arm64: "i-0b:m7g.xlarge" },
        });
        await keys(bundle, bench().notes);
        expect(bench().calls.at(-1)).toContain("--name /nbx/arm64/keys-m7g.xlarge ");
        expect(bench().read("notes")).toContain("\nserved by m7g.xlarge of arm64\n");

        await wake({
            states: { "i-0a": [noCapacity], "i-0x": [running] },
            starts: { "i-0a": ["InsufficientInstanceCapacity"] },
            changes: { emulate_on_arm64: "amd64" },
        });
        await keys(bundle, bench().notes);
        expect(bench().calls.at(-1)).toContain("--name /nbx/amd64/keys ");
        expect(bench().read("notes")).toContain("\nserved by c7i.xlarge of amd64\n");

        await wake({ states: { "i-0a": [running] } });
        expect(bench().read("notes")).toBe("/nbx/arm64/keys\n");
    });

    it.each(["stopped", "not started yet", "error:ParameterNotFound", "error:ThrottlingException"])(
        "is asked again after %j",
        async (parameter) => {
            expect(await keys(parameter)).toEqual({ status: 75, stdout: "", stderr: "" });
        },
    );

    it("says which permission is missing", async () => {
        const { status, stdout, stderr } = await keys("error:AccessDeniedException");
        expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
        expect(stderr).toMatch(
            /^arm64 runner: its keys may not be read: ssm:GetParameter on \/nbx\/arm64\/keys is needed/,
        );
    });

    it("says what else goes wrong", async () => {
        const { status, stderr } = await keys("error:InvalidKeyId");
        expect(status).toBe(1);
        expect(stderr).toContain("cannot be read from parameter /nbx/arm64/keys: An error occurred (InvalidKeyId)");
    });
});
