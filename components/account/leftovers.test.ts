import * as pulumi from "@pulumi/pulumi";
import { mockAws } from "../../tests/helpers/awsMocks";
import { Workbench } from "../../tests/helpers/workbench";
import { removesLeftover, removesLeftovers } from "./leftovers";

const resource = { urn: "", id: "", name: "r", type: "" };

describe("what a killed up has left", () => {
    let bench: Workbench;
    beforeEach(async () => {
        await mockAws();
        bench = new Workbench();
        bench.putOnPath();
        for (const severity of ["info", "warn", "error"] as const) {
            jest.spyOn(pulumi.log, severity).mockResolvedValue();
        }
    });
    afterEach(() => {
        jest.restoreAllMocks();
        bench.dispose();
    });

    const failed = (error: string, failedOperation = "create") => ({ ...resource, failedOperation, errors: [error] });
    const hook = () =>
        removesLeftover("Role r", ["EntityAlreadyExists"], async (runAws) => {
            await runAws("iam", "delete-role", "--role-name", "r");
        });

    it("is removed where it is in the way, and made again, once", async () => {
        bench.stub("aws", "exit 0");
        const { callback } = hook();
        expect(await callback(failed("409: EntityAlreadyExists: Role r"))).toBe(true);
        expect(bench.calls[0]).toContain("iam delete-role --role-name r --output text");
        expect(await callback(failed("409: EntityAlreadyExists: Role r"))).toBe(false);
    });

    it.each([
        ["another error", failed("AccessDenied")],
        ["a delete", failed("EntityAlreadyExists", "delete")],
    ])("has nothing to do with %s", async (_what, args) => {
        bench.stub("aws", "exit 0");
        expect(await hook().callback(args)).toBe(false);
        expect(bench.calls).toEqual([]);
    });

    it("stays where AWS does not let it go, and the reason is said", async () => {
        bench.stub("aws", "echo 'DeleteConflict: it is in use' >&2; exit 254");
        expect(await hook().callback(failed("EntityAlreadyExists"))).toBe(false);
        expect(pulumi.log.error).toHaveBeenCalledWith(expect.stringMatching(/^Role r exists, .*it is in use/));
    });

    const removesVolumes = () =>
        removesLeftovers(["ec2", "describe-volumes"], () => [["status", ["available", "error"]]], [
            "ec2",
            "delete-volume",
            "--volume-id",
        ]);
    const filtersAsked = () => JSON.parse(/--filters (.*) --output/.exec(bench.calls[0] ?? "")?.[1] ?? "");

    it.each(["team's", "{a}", "[x] y", "a,b", 'a "b"', "a=b"])(
        "is found by the value %s of a tag as it is",
        async (value) => {
            bench.stub("aws");
            await removesVolumes()({ ...resource, newInputs: { tags: { "a,b": value } } });
            expect(filtersAsked()[0]).toEqual({ Name: "tag:a,b", Values: [value] });
        },
    );

    it("is found by no pattern, as EC2 would read the value of a tag", async () => {
        bench.stub("aws");
        await removesVolumes()({ ...resource, newInputs: { tags: { a: "*?\\" } } });
        expect(filtersAsked()[0]).toEqual({ Name: "tag:a", Values: ["\\*\\?\\\\"] });
    });

    it("is found by its tags, where there can be any number", async () => {
        bench.stub("aws", 'case "$*" in *describe*) echo "vol-1 vol-2" ;; *vol-1*) exit 1 ;; esac');
        await removesVolumes()({ ...resource, newInputs: { tags: { Name: "r" } } });
        expect(filtersAsked()).toEqual([
            { Name: "tag:Name", Values: ["r"] },
            { Name: "status", Values: ["available", "error"] },
        ]);
        expect(pulumi.log.warn).toHaveBeenCalledWith(expect.stringMatching(/^r: vol-1 has the same tags, and stays/));
        expect(pulumi.log.info).toHaveBeenCalledWith(expect.stringMatching(/^r: removed vol-2/));
    });
});
