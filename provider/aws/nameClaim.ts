import { differences, type ResourceType } from "../resource";
import { type Account, command } from "./account";
import type { ParameterCalls } from "./ssm";

export interface NameClaimInputs extends Account {
    /** What the stack's resources at AWS are called after. */
    stackName: string;
    /** The id that this stack's state has and no other: see ../ownerId.ts. */
    owner: string;
    /** Of the parameter. */
    tags: { [name: string]: string };
}

/**
 * The name of a stack, claimed in an account and region by a parameter that holds the id of whose it is. AWS makes a parameter
 * once, so of two stacks of one name, whose states know nothing of each other, the second one is refused. What a killed `up`
 * has claimed has the id of its state.
 */
export class NameClaimResource implements ResourceType<NameClaimInputs, NameClaimInputs> {
    readonly replacedBy = ["stackName", "region"];
    /** Deleted first, it would take everything with it that depends on it. */
    readonly createdFirst = true;

    changes(olds: NameClaimInputs, news: NameClaimInputs): string[] {
        return differences(olds, news, ["stackName", "owner", "region", "profile"]);
    }

    async create(claim: NameClaimInputs): Promise<{ id: string; outputs: NameClaimInputs }> {
        const { stackName, owner, tags } = claim;
        const calls = callsTo(claim);
        const isNew = await calls.create(owner, `native-buildx: whose the name ${stackName} is`, tags);
        if (!isNew && (await calls.value()) !== owner) {
            throw new Error(refusal(claim));
        }
        return { id: stackName, outputs: claim };
    }

    /** The id is another one where somebody has removed the former from the state. */
    async update(claim: NameClaimInputs, _work: unknown, olds: NameClaimInputs): Promise<NameClaimInputs> {
        if (claim.owner !== olds.owner) {
            await callsTo(claim).overwrite(claim.owner);
        }
        return claim;
    }

    async read(claim: NameClaimInputs): Promise<NameClaimInputs | undefined> {
        return (await isStillOwn(claim)) ? claim : undefined;
    }

    async delete(claim: NameClaimInputs): Promise<void> {
        if (await isStillOwn(claim)) {
            await callsTo(claim).delete();
        }
    }
}

/** Not if somebody has deleted the parameter, and another stack has claimed the name since. */
async function isStillOwn(claim: NameClaimInputs): Promise<boolean> {
    return (await callsTo(claim).value()) === claim.owner;
}

function refusal(claim: NameClaimInputs): string {
    const { stackName, region } = claim;
    return (
        `The name ${stackName} is another stack's in ${region}, whose state is elsewhere, or whose name differs from this ` +
        "stack's in capitals only. Nothing of that stack has been changed. Give this one another name: " +
        "pulumi stack rename NAME. Only if that stack is gone for ever, with its state, take its name and what it has left: " +
        command(`ssm delete-parameter --name ${pathOf(claim)}`, claim)
    );
}

function pathOf({ stackName }: NameClaimInputs): string {
    return `/native-buildx/stack-names/${stackName}`;
}

/** Loads the SDK where it is used: an `up` that changes nothing does not wait for it. */
function callsTo(claim: NameClaimInputs): ParameterCalls {
    const { ParameterCalls } = require("./ssm") as typeof import("./ssm");
    return new ParameterCalls(claim, pathOf(claim));
}
