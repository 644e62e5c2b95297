import { Workbench } from "../../../tests/helpers/workbench";
import { sizeRefusal } from "./claimSize";

describe("another size of a claim", () => {
    const bench = new Workbench();
    beforeAll(() => bench.putOnPath());
    afterAll(() => bench.dispose());

    const place = { namespace: "demo-prod", context: "" };
    const refusal = (wanted: string, requested: string, capacity?: string, context = "") => {
        const status = capacity ? { phase: "Bound", capacity: { storage: capacity } } : { phase: "Pending" };
        const claim = { spec: { resources: { requests: { storage: requested } } }, status };
        bench.stub("kubectl", `echo '${JSON.stringify(claim)}'`);
        return sizeRefusal({ ...place, context }, "cache-arm64", wanted);
    };
    const anew = "kubectl delete persistentvolumeclaim cache-arm64 --namespace demo-prod && pulumi up --refresh";

    it.each(["40Gi", "20Gi"])(
        "is refused where it has no volume yet, with the commands that make it anew: %s",
        async (size) => {
            expect(await refusal(size, "30Gi")).toBe(
                `cacheGigabytes ${Number.parseInt(size, 10)}: claim cache-arm64 of 30 has no volume yet, and Kubernetes changes the ` +
                    `size of none without. Make it anew, nothing is in it: ${anew}`,
            );
        },
    );

    it("is refused where its volume is larger, with both ways out and what they cost", async () => {
        expect(await refusal("20Gi", "30Gi", "30Gi")).toMatch(
            /^cacheGigabytes 20: claim cache-arm64 has 30, .*set cacheGigabytes 30\. Or give the caches up.*run again: kubectl /,
        );
        expect(await refusal("20Gi", "1Ti", "1Ti")).toContain("set cacheGigabytes 1024.");
        // What was asked for last, in vain.
        expect(await refusal("20Gi", "50Gi", "30Gi")).toContain("set cacheGigabytes 30.");
        expect(await refusal("20Gi", "30Gi", "32212254720")).toContain("set cacheGigabytes 30.");
    });

    it.each([
        ["larger", "40Gi", "30Gi", "30Gi"],
        ["taken back, as no volume has it", "45Gi", "50Gi", "30Gi"],
        ["the same, as something else changes", "30Gi", "30Gi", undefined],
        ["of a unit that is not known here", "20Gi", "30G", "30G"],
        ["of a unit that is not known here, without a volume", "20Gi", "30G", undefined],
    ])("is the cluster's affair where it is %s", async (_what, wanted, requested, capacity) => {
        expect(await refusal(wanted, requested, capacity)).toBeUndefined();
    });

    it("is asked of the cluster that the runners are in", async () => {
        expect(await refusal("40Gi", "30Gi", undefined, "ci")).toContain("cache-arm64 --context 'ci' --namespace");
        expect(bench.calls.at(-1)).toMatch(
            /^kubectl --context ci get persistentvolumeclaim cache-arm64 --namespace demo-prod --ignore-not-found /,
        );
    });

    it.each([
        ["has no such claim", ""],
        ["does not answer", 'echo "Unable to connect" >&2; exit 1'],
    ])("is the cluster's affair where it %s", async (_what, kubectl) => {
        bench.stub("kubectl", kubectl);
        expect(await sizeRefusal(place, "cache-arm64", "20Gi")).toBeUndefined();
    });
});
