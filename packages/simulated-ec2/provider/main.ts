/**
 * A Pulumi provider for the commonest `aws` types of EC2, IAM, SSM and ECR, against the simulated EC2. Test equipment: it
 * calls the same APIs as the real provider, and refuses by name what it does not handle.
 */
import { Server } from "@grpc/grpc-js";
import * as provider from "@pulumi/pulumi/provider";
import { peerDependencies } from "../package.json";
import { autoname, type Kind, Services } from "./kind";
import { kinds } from "./kinds";
import { endWithEngine } from "./lifetime";
import { lookups } from "./lookups";
import { close, differs, isObject, open, type Properties, type Shape, strangers, type Value } from "./values";

/** State that is this provider's own: the names of the inputs that the program gave. */
const given = "__given";
/** Configuration that means the same here, and what of it is used. */
const knownConfiguration = new Set([
    "region",
    "version",
    "profile",
    "skipCredentialsValidation",
    "skipRegionValidation",
]);

class SimulatedAws implements provider.Provider {
    readonly version = peerDependencies["@pulumi/aws"];
    private region = process.env.AWS_REGION ?? "";
    private readonly services = new Map<string, Services>();

    configure(variables: { [name: string]: string }): void {
        for (const [name, value] of Object.entries(variables)) {
            const plain = name.replace(/^aws:config:/, "");
            if (!knownConfiguration.has(plain) && !isEmpty(value)) {
                throw new Error(`the simulated EC2 does not handle the configuration aws:${plain}`);
            }
            if (plain === "region") {
                this.region = value;
            }
        }
    }

    private servicesOf(properties: Properties): Services {
        const region = typeof properties.region === "string" ? properties.region : this.region;
        if (!region) {
            throw new Error("no region: pulumi config set aws:region eu-central-1");
        }
        const found = this.services.get(region) ?? new Services(region);
        this.services.set(region, found);
        return found;
    }

    async check(urn: string, olds: Properties, news: Properties): Promise<provider.CheckResult> {
        const token = tokenOf(urn);
        const kind = kindOf(token);
        const inputs = open(news);
        const failures = strangers(inputs, { ...kind.inputs, region: true }).map((property) => ({
            property,
            reason: `the simulated EC2 does not handle this property of ${token}: add it to packages/simulated-ec2/provider`,
        }));
        const checked: Properties = { ...news };
        if (kind.autoname && isEmpty(inputs[kind.autoname])) {
            checked[kind.autoname] = olds[kind.autoname] ?? autoname(nameOf(urn));
        }
        for (const name of kind.documents ?? []) {
            // As the AWS provider: a document is one string, however the program wrote it.
            if (isObject(inputs[name])) {
                checked[name] = JSON.stringify(inputs[name]);
            }
        }
        return { inputs: checked, failures };
    }

    async diff(_id: string, urn: string, olds: Properties, news: Properties): Promise<provider.DiffResult> {
        const kind = kindOf(tokenOf(urn));
        const before = open(olds);
        const wanted = open(news);
        const changed = changedInputs(kind, before, wanted);
        const replaces = [
            ...changed.filter((property) => kind.replaceOn.includes(property)),
            ...(kind.replaces?.(before, wanted, changed) ?? []),
        ];
        return { changes: changed.length > 0, replaces };
    }

    async create(urn: string, inputs: Properties): Promise<provider.CreateResult> {
        const kind = kindOf(tokenOf(urn));
        const secrets = new Set<string>();
        const opened = open(inputs, secrets);
        const services = this.servicesOf(opened);
        const { id, outputs } = await withCode(kind.create(services, opened));
        return { id, outs: close(state(opened, outputs, services.region), secrets) };
    }

    async read(id: string, urn: string, props: Properties = {}): Promise<provider.ReadResult> {
        const kind = kindOf(tokenOf(urn));
        const secrets = new Set<string>();
        const before = open(props, secrets);
        const services = this.servicesOf(before);
        const outputs = await kind.read(services, id, before);
        if (outputs === undefined) {
            return { id: "", props: {} };
        }
        const known = Array.isArray(before[given]) ? before[given].map(String) : Object.keys(kind.inputs);
        const inputs: Properties = {};
        for (const name of known) {
            // Where nothing is found to be different, the program's own way of writing it is kept.
            inputs[name] = differs(before[name], outputs[name]) && name in outputs ? outputs[name] : before[name];
        }
        return {
            id,
            props: close(withoutUndefined({ ...before, ...outputs, ...inputs, [given]: known }), secrets),
            inputs: close(withoutUndefined(inputs), secrets),
        };
    }

    async update(id: string, urn: string, olds: Properties, news: Properties): Promise<provider.UpdateResult> {
        const token = tokenOf(urn);
        const kind = kindOf(token);
        const secrets = new Set<string>();
        const before = open(olds);
        const wanted = open(news, secrets);
        const changed = changedInputs(kind, before, wanted);
        if (!kind.update) {
            throw new Error(`the simulated EC2 cannot change ${changed.join(", ")} of ${token} in place`);
        }
        const services = this.servicesOf(wanted);
        await withCode(kind.update(services, id, before, wanted, changed));
        const outputs = (await kind.read(services, id, { ...before, ...wanted })) ?? {};
        return { outs: close(state(wanted, { ...before, ...outputs }, services.region), secrets) };
    }

    async delete(id: string, urn: string, props: Properties): Promise<void> {
        const before = open(props);
        await withCode(kindOf(tokenOf(urn)).delete(this.servicesOf(before), id, before));
    }

    async invoke(token: string, inputs: Properties): Promise<provider.InvokeResult> {
        const lookup = lookups[token];
        if (!lookup) {
            throw new Error(
                `the simulated EC2 does not handle the function ${token}: add it to packages/simulated-ec2/provider`,
            );
        }
        const opened = open(inputs);
        const failures = strangers(opened, { ...lookup.inputs, region: true } satisfies Shape).map((property) => ({
            property,
            reason: `the simulated EC2 does not handle this argument of ${token}`,
        }));
        if (failures.length > 0) {
            return { failures };
        }
        const services = this.servicesOf(opened);
        return { outputs: { ...opened, id: token, ...withoutUndefined(await lookup.find(services, opened)) } };
    }
}

/** As the AWS provider: the error code is part of the message. */
async function withCode<T>(work: Promise<T>): Promise<T> {
    try {
        return await work;
    } catch (error) {
        throw error instanceof Error && error.name !== "Error" ? new Error(`${error.name}: ${error.message}`) : error;
    }
}

function kindOf(token: string): Kind {
    const kind = kinds[token];
    if (!kind) {
        throw new Error(
            `the simulated EC2 does not handle the resource type ${token}: add it to packages/simulated-ec2/provider`,
        );
    }
    return kind;
}

/** `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME` */
function tokenOf(urn: string): string {
    return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

function nameOf(urn: string): string {
    return urn.split("::")[3] ?? "";
}

function isEmpty(value: Value): boolean {
    return (
        value === undefined || value === null || value === "" || value === "{}" || value === "[]" || value === "false"
    );
}

function changedInputs(kind: Kind, before: Properties, wanted: Properties): string[] {
    const wasGiven = Array.isArray(before[given]) ? before[given].map(String) : [];
    return Object.keys(kind.inputs).filter((property) => {
        const isWanted = wanted[property] !== undefined && wanted[property] !== null;
        return isWanted ? differs(wanted[property], before[property]) : wasGiven.includes(property);
    });
}

function state(inputs: Properties, outputs: Properties, region: string): Properties {
    const names = Object.keys(inputs).filter((name) => inputs[name] !== undefined && inputs[name] !== null);
    const merged: Properties = { region, ...outputs };
    for (const name of names) {
        const found = outputs[name];
        // A nested object keeps what the service added to it.
        const isNested = typeof found === "object" && found !== null && !Array.isArray(found);
        merged[name] = isNested ? { ...found, ...(inputs[name] as Properties) } : inputs[name];
    }
    return withoutUndefined({ ...merged, [given]: names });
}

function withoutUndefined(properties: Properties): Properties {
    return JSON.parse(JSON.stringify(properties)) as Properties;
}

interface ConfigureCall {
    request: { getVariablesMap(): { toObject(): [string, string][] } };
}
type ConfigureHandler = (call: ConfigureCall, callback: (error?: Error) => void) => void;

/** The SDK's server for providers drops their configuration: this hands it over before. */
function interceptConfigure(configured: SimulatedAws): void {
    const addService = Server.prototype.addService;
    Server.prototype.addService = function (service, implementation) {
        const handlers = implementation as unknown as { configure: ConfigureHandler };
        const configure = handlers.configure.bind(handlers);
        handlers.configure = (call, callback) => {
            try {
                configured.configure(Object.fromEntries(call.request.getVariablesMap().toObject()));
            } catch (error) {
                callback(error instanceof Error ? error : new Error(String(error)));
                return;
            }
            configure(call, callback);
        };
        addService.call(this, service, implementation);
    };
}

const simulated = new SimulatedAws();
interceptConfigure(simulated);
endWithEngine(process.argv.at(-1) ?? "");
void provider.main(simulated, process.argv.slice(2));
