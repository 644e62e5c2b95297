import type { ID, URN } from "@pulumi/pulumi";
import * as sdk from "@pulumi/pulumi/provider";
import { hiderOf } from "./hiddenSecrets";
import type { Engine } from "./process/engine";
import type { ResourceType, Work } from "./resource";
import { withSendableErrors } from "./sendableErrors";
import { type Properties, plain, secretProperties, withSecrets } from "./values";

type Any = ResourceType<Properties, Properties>;

/** The resources of this provider, by the last part of their type: `native-buildx:index:NAME`. */
export interface ResourceTypes {
    // biome-ignore lint/suspicious/noExplicitAny: each type knows its own properties
    [name: string]: ResourceType<any, any>;
}

/** What a program may call, by the last part of its token: `native-buildx:index:NAME`. */
export interface Functions {
    [name: string]: (inputs: Properties) => Properties;
}

/** Serves resources and functions to the engine, until the engine is gone. */
export async function serve(types: ResourceTypes, functions: Functions, engine: Engine): Promise<void> {
    // The SDK prints, with a stack, each error that it also answers with.
    console.error = () => undefined;
    await sdk.main(withSendableErrors(new ResourceProvider(types, functions, engine)), process.argv.slice(2));
}

/** Between the engine's values and a resource's plain ones. */
export class ResourceProvider implements sdk.Provider {
    readonly version = "0.1.0";
    private readonly abort = new AbortController();

    constructor(
        private readonly types: ResourceTypes,
        private readonly functions: Functions,
        private readonly engine: Pick<Engine, "log">,
    ) {}

    async check(urn: URN, olds: Properties, news: Properties): Promise<sdk.CheckResult> {
        const type = this.typeOf(urn);
        const inputs = plain(news) as Properties;
        const checked = await this.during(urn, news, async (work) =>
            type.check ? type.check(inputs, work, plain(olds) as Properties) : inputs,
        );
        return { inputs: withSecrets(checked, secretProperties(news)) };
    }

    async diff(_id: ID, urn: URN, olds: Properties, news: Properties): Promise<sdk.DiffResult> {
        const type = this.typeOf(urn);
        const changes = type.changes(plain(olds) as Properties, plain(news) as Properties);
        return {
            changes: changes.length > 0,
            replaces: changes.filter((property) => type.replacedBy?.includes(property)),
            deleteBeforeReplace: !type.createdFirst,
        };
    }

    async create(urn: URN, news: Properties): Promise<sdk.CreateResult> {
        const { id, outputs } = await this.during(urn, news, (work) =>
            this.typeOf(urn).create(plain(news) as Properties, work),
        );
        return { id, outs: withSecrets(outputs, secretProperties(news)) };
    }

    async update(_id: ID, urn: URN, olds: Properties, news: Properties): Promise<sdk.UpdateResult> {
        const outputs = await this.during(urn, news, (work) =>
            this.typeOf(urn).update(plain(news) as Properties, work, plain(olds) as Properties),
        );
        return { outs: withSecrets(outputs, secretProperties(news)) };
    }

    async read(id: ID, urn: URN, olds: Properties = {}): Promise<sdk.ReadResult> {
        const type = this.typeOf(urn);
        if (!type.read) {
            return { id, props: olds };
        }
        const outputs = await this.during(urn, olds, async (work) => type.read?.(plain(olds) as Properties, work));
        // No id means that it is gone.
        return outputs ? { id, props: withSecrets(outputs, secretProperties(olds)) } : { id: "", props: {} };
    }

    async delete(_id: ID, urn: URN, olds: Properties): Promise<void> {
        await this.during(urn, olds, async (work) => this.typeOf(urn).delete?.(plain(olds) as Properties, work));
    }

    async invoke(token: string, inputs: Properties): Promise<sdk.InvokeResult> {
        return { outputs: named(this.functions, "function", token)(plain(inputs) as Properties) };
    }

    /** Ctrl-C: ends what runs. */
    async cancel(): Promise<void> {
        this.abort.abort();
    }

    private typeOf(urn: URN): Any {
        // urn:pulumi:STACK::PROJECT::PARENTS$native-buildx:index:TYPE::NAME
        return named(this.types, "resource", urn.split("::")[2]);
    }

    /** @param properties whose secrets nobody is shown */
    private async during<T>(urn: URN, properties: Properties, run: (work: Work) => Promise<T>): Promise<T> {
        const hide = hiderOf(properties);
        const work: Work = {
            urn,
            signal: this.abort.signal,
            status: (text) => this.engine.log("info", hide(text), urn, true),
            log: (severity, text) => this.engine.log(severity, hide(text), urn),
            hide,
        };
        return run(work).catch((error: Error) => {
            const shown = hide(error.message);
            throw shown === error.message ? error : new Error(shown);
        });
    }
}

/** What the last part of a token names. */
function named<T>(table: { [name: string]: T }, what: string, token = ""): T {
    const name = token.split(":").at(-1) ?? "";
    const found = table[name];
    if (!found) {
        throw new Error(`native-buildx has no ${what} ${name}; it has ${Object.keys(table).join(", ")}`);
    }
    return found;
}
