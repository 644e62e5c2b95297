import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as awsConfig from "@pulumi/aws/config";
import * as pulumi from "@pulumi/pulumi";

/*
 * Leftovers: what a killed `up` has made at AWS and not yet written into its state. A leftover is removed right before the
 * same resource is made again, so that another `up` is enough, and only where it certainly is this stack's: by a name that
 * is unique, while AWS refuses to remove what is in use; or by the stack's own security group or VPC.
 */

const run = promisify(execFile);

/** The AWS command line, in the program's region and profile. Resolves to what it prints, as text. */
export type AwsCommand = (...words: string[]) => Promise<string>;

/** To be called while the program runs: a hook, which the engine calls, cannot read the configuration. */
function awsCommand(): AwsCommand {
    const { region, profile } = awsConfig;
    const options = [
        ...(region ? ["--region", region] : []),
        ...(profile ? ["--profile", profile] : []),
        ...["--output", "text"],
    ];
    return async (...words) => {
        const { stdout } = await run("aws", [...words, ...options], { env: { ...process.env, AWS_PAGER: "" } });
        return stdout.trim();
    };
}

/** The inputs of a resource that is about to be made. */
export type Inputs = { [property: string]: unknown };

/**
 * For `hooks.onError` of a resource with a unique name: where AWS refuses to make it because it exists, it is removed and
 * made again.
 *
 * @param what its kind and name, for messages
 * @param refusals error codes with which AWS says that it exists
 * @param remove rejects where it is in use or not this stack's: the refusal stands then
 * @param remedy what the person may do then. @default to remove it, or to choose another name for the stack
 */
export function removesLeftover(
    what: string,
    refusals: string[],
    remove: (runAws: AwsCommand, inputs: Inputs) => Promise<void>,
    remedy = "Remove it by hand, or choose another name for the stack if another state has one of this name",
): pulumi.ErrorHook {
    const runAws = awsCommand();
    let isTried = false;
    return new pulumi.ErrorHook(`leftover: ${what}`, async ({ failedOperation, errors, newInputs = {} }) => {
        const isInTheWay = refusals.some((refusal) => errors[0]?.includes(refusal));
        if (failedOperation !== "create" || isTried || !isInTheWay) {
            return false;
        }
        isTried = true;
        try {
            await remove(runAws, newInputs);
        } catch (error) {
            const { stderr = "", message } = error as Error & { stderr?: string };
            await pulumi.log.error(
                `${what} exists, this stack's state does not know it, and it could not be removed: ${(stderr || message).trim()}. ${remedy}`,
            );
            return false;
        }
        await pulumi.log.info(`${what}: removed what an interrupted up had left of it`);
        return true;
    });
}

/** A filter of EC2: its name, and a value, or several of which any will do. */
export type Filter = readonly [name: string, values: string | readonly string[]];

/** A value of a filter of EC2 that means itself: EC2 reads `*` and `?` as wildcards unless a backslash is before them. */
function literal(value: string): string {
    return value.replace(/[\\*?]/g, "\\$&");
}

/** Words that filter a list of EC2's. In JSON: the command line's own form gives commas, quotes and brackets a meaning. */
export function filterWords(filters: readonly Filter[]): string[] {
    const documents = filters.map(([Name, values]) => ({ Name, Values: [values].flat().map(literal) }));
    return ["--filters", JSON.stringify(documents)];
}

/** AWS does not delete a role that has policies or an instance profile. */
export function removesRole(name: string): pulumi.ErrorHook {
    return removesLeftover(`Role ${name}`, ["EntityAlreadyExists"], async (runAws) => {
        await runAws("iam", "delete-role", "--role-name", name);
    });
}

/**
 * For `hooks.beforeCreate` of a resource without a unique name: removes those with the same tags.
 *
 * @param list words of the command that lists their ids, without its filters
 * @param filters further filters, which leave only what is this stack's
 * @param remove words of the command that removes the id after them; AWS refuses what is in use
 */
export function removesLeftovers(
    list: string[],
    filters: (inputs: Inputs) => Filter[],
    remove: string[],
): pulumi.ResourceHookFunction {
    const runAws = awsCommand();
    return async ({ name, newInputs = {} }) => {
        const tags = Object.entries<string>(newInputs.tags ?? {}).map(([tag, value]): Filter => [`tag:${tag}`, value]);
        const found = await runAws(...list, ...filterWords([...tags, ...filters(newInputs)]));
        for (const id of found.split(/\s+/).filter(Boolean)) {
            try {
                await runAws(...remove, id);
                await pulumi.log.info(`${name}: removed ${id}, which an interrupted up had made`);
            } catch (error) {
                await pulumi.log.warn(`${name}: ${id} has the same tags, and stays: ${(error as Error).message}`);
            }
        }
    };
}
