import * as pulumi from "@pulumi/pulumi";

/** A resource as the program registered it: what the engine would be told. */
export interface Registered {
    type: string;
    name: string;
    /** Secret ones included, as plain values. */
    inputs: { [property: string]: unknown };
    /** Names of the inputs that the state keeps as secrets, wherever in them the secret is. */
    secretInputs: string[];
    additionalSecretOutputs: string[];
    /** Name of the parent; empty for the stack. */
    parent: string;
    /** Names of the resources it depends on, by `dependsOn` or by its inputs; of a component, its children. */
    dependencies: string[];
    ignoreChanges: string[];
}

type State = { [property: string]: unknown };

/** What the provider of a type answers, besides the inputs. */
const answers: { [type: string]: (name: string, inputs: State) => State } = {
    "native-buildx:index:PlatformImage": built,
    "native-buildx:index:Index": built,
};

function built(name: string, { tags }: State): State {
    return { digest: digestOf(name), ref: `${(tags as string[])[0]}@${digestOf(name)}`, receipt: { parts: "" } };
}

/** The digest that the mocked registry gives to what a resource of this name pushes. */
export function digestOf(name: string): string {
    return `sha256:${Buffer.from(name).toString("hex").padEnd(64, "0")}`;
}

/** What the mocked provider answers to whoever gives it the connect script. */
export const scriptKey = "key of the connect script";

/** The resources of a deployment, in the order in which they were registered. */
export class Recorded<Resource extends { type: string; name: string }> {
    readonly resources: Resource[] = [];

    of(type: string): Resource[] {
        return this.resources.filter((resource) => resource.type === type);
    }

    /** The only resource of its type, and of its name where that is said. */
    one(type: string, name?: string): Resource {
        const found = this.of(type).filter((resource) => name === undefined || resource.name === name);
        if (found.length !== 1 || !found[0]) {
            const known = this.resources.map((resource) => `${resource.type} ${resource.name}`);
            throw new Error(`${found.length} resources ${type} ${name ?? ""}; there are: ${known.join(", ")}`);
        }
        return found[0];
    }
}

/** Records every resource of a deployment, and fails on every call but that for the connect script. */
export class PulumiMocks extends Recorded<Registered> implements pulumi.runtime.Mocks {
    /** The connect scripts that the provider was given. */
    readonly scripts: string[] = [];
    /** The providers that were given them, each by the end of its reference; empty for the default one. */
    readonly providers: string[] = [];

    newResource({ type, name, inputs }: pulumi.runtime.MockResourceArgs): { id: string; state: State } {
        return { id: `${name}-id`, state: { ...inputs, ...answers[type]?.(name, inputs) } };
    }

    call({ token, inputs, provider }: pulumi.runtime.MockCallArgs): State {
        if (token === "native-buildx:index:keepScript") {
            this.scripts.push(inputs.script);
            this.providers.push(provider?.split("::").at(-2) ?? "");
            return { key: scriptKey };
        }
        throw new Error(`unexpected call of ${token}`);
    }

    /** Listens to what the engine is told. */
    listen(): void {
        const monitor = pulumi.runtime.getMonitor() as unknown as MockMonitor;
        const register = monitor.registerResource.bind(monitor);
        monitor.registerResource = (request, callback) => {
            this.resources.push(registered(request));
            return register(request, callback);
        };
    }
}

/** Starts a deployment of a test's own. */
export async function mockPulumi(): Promise<PulumiMocks> {
    const mocks = new PulumiMocks();
    await pulumi.runtime.setMocks(mocks, "native-buildx", "dev");
    takeHooks();
    mocks.listen();
    return mocks;
}

/** Takes hooks, instead of a gRPC server that the mock of the engine cannot call, and that keeps jest from ending. */
export function takeHooks(): void {
    const { getStore }: { getStore(): { callbacks?: object } } = require("@pulumi/pulumi/runtime/state");
    const nothing = async () => undefined;
    getStore().callbacks = {
        registerResourceHook: nothing,
        registerErrorHook: nothing,
        awaitStackRegistrations: nothing,
        shutdown: nothing,
    };
}

/** The value of an output. */
export function resolved<T>(output: pulumi.Output<T>): Promise<pulumi.Unwrap<T>> {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error("the output has no value")), 30_000);
        output.apply((value) => {
            clearTimeout(timer);
            resolve(value as pulumi.Unwrap<T>);
        });
    });
}

/** Waits until everything that the components register is registered. */
export async function settled(): Promise<void> {
    await pulumi.runtime.disconnect();
}

/** What the engine is asked over gRPC, as far as it is recorded here. */
interface RegisterRequest {
    getType(): string;
    getName(): string;
    getParent(): string;
    getObject(): { toJavaScript(): State };
    getDependenciesList(): string[];
    getAdditionalsecretoutputsList(): string[];
    getIgnorechangesList(): string[];
}

type Callback = (error: Error | null, response: unknown) => void;

interface MockMonitor {
    registerResource(request: RegisterRequest, callback: Callback): unknown;
}

function registered(request: RegisterRequest): Registered {
    const raw = request.getObject().toJavaScript();
    return {
        type: request.getType(),
        name: request.getName(),
        inputs: withoutSignatures(raw) as State,
        secretInputs: Object.keys(raw).filter((property) => holdsSecret(raw[property])),
        additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
        parent: nameOf(request.getParent()),
        dependencies: request.getDependenciesList().map(nameOf),
        ignoreChanges: request.getIgnorechangesList(),
    };
}

function nameOf(urn: string): string {
    return urn.split("::").at(-1) ?? "";
}

/** Marks of a secret on the wire (https://www.pulumi.com/docs/iac/concepts/secrets/, sdk/nodejs/runtime/rpc.ts). */
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

function isObject(value: unknown): value is State {
    return typeof value === "object" && value !== null;
}

function holdsSecret(value: unknown): boolean {
    if (!isObject(value)) {
        return false;
    }
    return value[signatureKey] === secretSignature || Object.values(value).some(holdsSecret);
}

function withoutSignatures(value: unknown): unknown {
    if (Array.isArray(value)) {
        return value.map(withoutSignatures);
    }
    if (!isObject(value)) {
        return value;
    }
    return value[signatureKey] === secretSignature
        ? withoutSignatures(value.value)
        : Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withoutSignatures(one)]));
}
