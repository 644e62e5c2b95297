import { randomBytes } from "node:crypto";
import { EC2Client } from "@aws-sdk/client-ec2";
import { ECRClient } from "@aws-sdk/client-ecr";
import { IAMClient } from "@aws-sdk/client-iam";
import { SSMClient } from "@aws-sdk/client-ssm";
import { eventually } from "../eventually";
import type { Properties, Shape } from "./values";

/** The services of one region. They find the simulation through AWS_ENDPOINT_URL, as every SDK does. */
export class Services {
    readonly ec2: EC2Client;
    readonly ecr: ECRClient;
    readonly iam: IAMClient;
    readonly ssm: SSMClient;

    constructor(readonly region: string) {
        if (!process.env.AWS_ENDPOINT_URL) {
            throw new Error(
                'AWS_ENDPOINT_URL is not set: this provider is for the simulated EC2. eval "$(packages/simulated-ec2/sim.sh env)"',
            );
        }
        this.ec2 = new EC2Client({ region });
        this.ecr = new ECRClient({ region });
        this.iam = new IAMClient({ region });
        this.ssm = new SSMClient({ region });
    }
}

export interface Made {
    id: string;
    outputs: Properties;
}

/** How the test provider handles one resource type. Outputs repeat the inputs they come from under the same name. */
export interface Kind {
    readonly inputs: Shape;
    /** Inputs that cannot be changed on the resource. */
    readonly replaceOn: readonly string[];
    /** A further reason to replace. */
    replaces?(olds: Properties, news: Properties, changed: string[]): string[];
    /** Inputs that are JSON documents: the program may write them as objects. */
    readonly documents?: readonly string[];
    /** Input that gets a name of Pulumi's making where the program gives none. */
    readonly autoname?: string;
    create(services: Services, inputs: Properties): Promise<Made>;
    /** Undefined: it is gone. */
    read(services: Services, id: string, state: Properties): Promise<Properties | undefined>;
    /** `changed` are inputs, none of them in `replaceOn`. Absent: nothing can be changed in place. */
    update?(services: Services, id: string, olds: Properties, news: Properties, changed: string[]): Promise<void>;
    delete(services: Services, id: string, state: Properties): Promise<void>;
}

export function autoname(resourceName: string): string {
    return `${resourceName}-${randomBytes(4).toString("hex").slice(0, 7)}`;
}

/** The error codes by which AWS says that something does not exist. */
function isGone(error: unknown): boolean {
    return error instanceof Error && /NotFound|NoSuchEntity/.test(error.name);
}

export async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
    try {
        return await work;
    } catch (error) {
        if (isGone(error)) {
            return undefined;
        }
        throw error;
    }
}

/** As `eventually`, for as long as the official provider waits. */
export function until<T>(what: string, ask: () => Promise<T | undefined>, seconds = 600): Promise<T> {
    return eventually(what, ask, seconds);
}
