import { shells } from "../../../tests/helpers/workbench";
import {
    awake,
    notRunning,
    served,
    starting,
    unbound,
    unscheduled,
    waiting,
    wakeKubernetesBenchForEach,
    withoutPod,
} from "./wakeKubernetesBench";

jest.setTimeout(60_000);

describe.each(shells)("wakeKubernetesPending.sh in %s", (_name, shell) => {
    const bench = wakeKubernetesBenchForEach(shell);

    describe("says why a pod does not start, in the cluster's words, and goes on when it does:", () => {
        const noNode = "0/3 nodes are available: 3 Insufficient cpu.";
        it.each([
            ["no node", [unscheduled(noNode)], [], `no node for its pod yet: ${noNode}`],
            [
                "a volume in another zone",
                [unscheduled('node(s) had a \\"volume node affinity\\" conflict')],
                [],
                'no node for its pod yet: node(s) had a "volume node affinity" conflict',
            ],
            [
                "an image that cannot be pulled",
                [waiting("ErrImagePull", "manifest unknown")],
                [],
                "ErrImagePull: manifest unknown",
            ],
            [
                "a container that ends at once",
                [waiting("CrashLoopBackOff", "back-off 10s", "no such program\\nnative-buildx: bye")],
                [],
                "CrashLoopBackOff: no such program native-buildx: bye",
            ],
        ])("%s", async (_what, states, events, message) => {
            const result = await bench().wake({ states: [...states, awake], events, knocks: [notRunning, "ok"] });
            expect(result).toMatchObject(served);
            expect(result.stderr).toContain(`: ${message} ...\n`);
        });

        it("an image that cannot be pulled, which is tried again and again, once in each of its words", async () => {
            const tries = [waiting("ErrImagePull", "manifest [un]known *"), waiting("ImagePullBackOff", "Back-off")];
            const result = await bench().wake({ states: [...tries, ...tries, awake], knocks: [notRunning, "ok"] });
            expect(result).toMatchObject(served);
            expect(result.stderr.match(/(ErrImagePull|ImagePullBackOff): /g)).toEqual([
                "ErrImagePull: ",
                "ImagePullBackOff: ",
            ]);
        });

        it.each([
            [
                "a quota",
                withoutPod,
                { events: ['FailedCreate: "exceeded quota: pods=2"'] },
                "has no pod yet: FailedCreate: exceeded quota: pods=2",
            ],
            [
                "a volume that is not attached",
                starting,
                { events: ['Older: "nothing"', 'FailedAttachVolume: "it is elsewhere\\n\\tstatus \\"403\\""'] },
                'starting: FailedAttachVolume: it is elsewhere status "403"',
            ],
            [
                "a volume that is not made",
                unbound,
                { claimEvents: ['ProvisioningFailed: "may not create it"'] },
                "starting: ProvisioningFailed: may not create it",
            ],
            [
                "a volume that no node is looked for without",
                unscheduled("pod has unbound immediate PersistentVolumeClaims").replace("uid=", "claim=cache;uid="),
                {
                    events: ['FailedScheduling: "pod has unbound immediate PersistentVolumeClaims"'],
                    claimEvents: ['ProvisioningFailed: "no such class"'],
                },
                "no volume for its cache yet: ProvisioningFailed: no such class",
            ],
        ])("%s, which only an event tells", async (_what, state, events, message) => {
            bench().ticking(2);
            const result = await bench().wake({
                states: [state, state, state, state, awake],
                ...events,
                knocks: [notRunning, "ok"],
                timeout: 1000,
            });
            expect(result).toMatchObject(served);
            expect(result.stderr).toContain(`: ${message} ...\n`);
        });
    });
});
