import { EC2Client } from "@aws-sdk/client-ec2";
import type { Work } from "../resource";
import { GroupLeftoversResource } from "./groupLeftovers";

const owned = { "native-buildx": "app-prod" };

describe("what is in a security group that is deleted", () => {
    const asked: string[] = [];
    let abort: AbortController;
    let work: Work;
    /** What EC2 says of the instance after it was told to end. */
    let ended: () => string;

    beforeEach(() => {
        abort = new AbortController();
        work = { log: jest.fn(), status: jest.fn(), signal: abort.signal } as unknown as Work;
        ended = () => "terminated";
    });
    afterEach(() => {
        jest.restoreAllMocks();
        asked.length = 0;
    });

    /** Deletes what the group has, with an instance of these tags in it. `tags`: those of the stack's state. */
    function withInstance(instanceTags: { [name: string]: string }, tags: { [name: string]: string }): Promise<void> {
        const Tags = Object.entries(instanceTags).map(([Key, Value]) => ({ Key, Value }));
        let state = () => "stopped";
        jest.spyOn(EC2Client.prototype, "send").mockImplementation(async (command: object) => {
            const call = command.constructor.name.replace(/Command$/, "");
            asked.push(call);
            if (call === "TerminateInstances") {
                state = ended;
            }
            return { Reservations: [{ Instances: [{ InstanceId: "i-1", Tags, State: { Name: state() } }] }] };
        });
        const group = { securityGroupId: "sg-1", volumeTag: "group", region: "eu-central-1", profile: "", tags };
        return new GroupLeftoversResource().delete(group, work);
    }

    it("is ended where it is the stack's, by its tag", async () => {
        await withInstance({ ...owned, team: "a" }, owned);
        expect(asked).toContain("TerminateInstances");
    });

    it("is waited for until the up is canceled", async () => {
        ended = () => {
            abort.abort();
            return "shutting-down";
        };
        await expect(withInstance(owned, owned)).rejects.toThrow(/^canceled$/);
    });

    it.each([
        ["of another stack", { "native-buildx": "app-dev" }, owned],
        ["without tags", {}, owned],
        ["that an older version's state, without tags, tells from nothing", { team: "a" }, {}],
    ])("stays where it is an instance %s", async (_whose, instanceTags, tags) => {
        await expect(withInstance(instanceTags, tags)).rejects.toThrow("i-1 has it too, and is not this stack's");
        expect(asked).toEqual(["DescribeInstances"]);
    });
});
