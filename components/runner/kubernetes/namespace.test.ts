import { Workbench } from "../../../tests/helpers/workbench";
import { refusalOf } from "./namespace";

describe("a namespace of the runners' own", () => {
    const bench = new Workbench();
    beforeAll(() => bench.putOnPath());
    afterAll(() => bench.dispose());

    const place = { namespace: "demo-prod", context: "" };
    const found = (labels?: object) =>
        bench.stub("kubectl", `echo '${JSON.stringify({ metadata: { name: "demo-prod", labels } })}'`);

    it("is made where there is none of that name in the cluster", async () => {
        bench.stub("kubectl");
        expect(await refusalOf({ ...place, context: "ci" }, "mine")).toBeUndefined();
        expect(bench.calls.at(-1)).toMatch(/^kubectl --context ci get namespace demo-prod --ignore-not-found /);
    });

    it("is taken again where an interrupted up has made it", async () => {
        found({ "native-buildx/owner": "mine" });
        expect(await refusalOf(place, "mine")).toBeUndefined();
    });

    it.each<[string, object | undefined, string | undefined]>([
        ["has no label", undefined, "mine"],
        ["is of a stack with the same name elsewhere", { "native-buildx/owner": "theirs" }, "mine"],
        ["is there before this stack has an id", { "native-buildx/owner": "theirs" }, undefined],
        ["has no label, before this stack has an id", undefined, undefined],
    ])("is refused where it %s", async (_what, labels, owner) => {
        found(labels);
        expect(await refusalOf(place, owner)).toEqual({
            isCertain: true,
            words: expect.stringMatching(/^kubernetesNamespace: namespace demo-prod exists .*; set another name\. If /),
        });
    });

    it("is not made where nobody can tell, and kubectl's words say why", async () => {
        bench.stub("kubectl", 'echo "Unable to connect" >&2; exit 1');
        const words = "kubernetesNamespace: whether namespace demo-prod is another's cannot be seen.";
        expect(await refusalOf(place, "mine")).toEqual({
            isCertain: false,
            words: `${words} kubectl says: Unable to connect`,
        });
        process.env.PATH = "/nowhere";
        expect(await refusalOf(place, "mine")).toEqual({
            isCertain: false,
            words: `${words} kubectl was not found. Install it: https://kubernetes.io/docs/tasks/tools/`,
        });
    });
});
