import * as pulumi from "@pulumi/pulumi";
import { shellQuote } from "../shell";
import { pathText } from "./mistakes";

/** Whether Pulumi keeps a setting of the project, or a part of it, as a secret. The SDK tells it only in a warning. */
export function isSecretSetting(setting: string): boolean {
    const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };
    return isConfigSecret(`${pulumi.getProject()}:${setting}`);
}

/**
 * The mistake of a secret that is none.
 *
 * @param at the setting, or the path of a value in it
 * @param command what sets it as a secret
 */
export function plainTextMistake(at: string, command: string): string {
    return (
        `${at}: is in plain text in the stack's file; take it out, give it up where you got it, and set another by: ` +
        command
    );
}

/** The command that sets a build secret, as it is typed. */
export function buildSecretCommand(name: string): string {
    const at = pathText(["buildSecrets", name]);
    return `pulumi config set --secret --path ${/^[\w.-]+$/.test(at) ? at : shellQuote(at)} VALUE`;
}
