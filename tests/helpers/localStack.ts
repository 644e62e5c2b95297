import { LocalRegistry } from "../../components/registry/local/localRegistry";
import { mockPulumi, type PulumiMocks, settled } from "./pulumiMocks";

/** What each test finds: Pulumi's mocks, and the registry of stack `demo-dev`. */
export interface LocalStack {
    mocks: PulumiMocks;
    registry: LocalRegistry;
}

/** For a `describe`: a new local stack before each test, on a machine whose data folder is `/data`. */
export function localStackForEach(): LocalStack {
    const home = process.env.NATIVE_BUILDX_HOME;
    const stack = {} as LocalStack;
    beforeEach(async () => {
        process.env.NATIVE_BUILDX_HOME = "/data";
        stack.mocks = await mockPulumi();
        stack.registry = new LocalRegistry("registry", {
            stackFolder: "demo-dev",
            registryHost: "registry.example",
            localPort: 7443,
        });
        await settled();
    });
    afterEach(async () => {
        await settled();
        if (home === undefined) {
            delete process.env.NATIVE_BUILDX_HOME;
        } else {
            process.env.NATIVE_BUILDX_HOME = home;
        }
    });
    return stack;
}
