import { knownSecret, type Secrets } from "./secrets";

/**
 * Variables by which git sends a server what BuildKit would: the first that there is of the secrets GIT_AUTH_HEADER.HOST,
 * GIT_AUTH_TOKEN.HOST, GIT_AUTH_HEADER and GIT_AUTH_TOKEN, for this repository alone and in place of all headers that are
 * configured. None over ssh or git://, which know no headers.
 * @param caller whose own variables of this kind stay
 */
export function gitLogin(remote: string, secrets: Secrets, caller: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    const host = /^https?:\/\/(?:[^/]*@)?([^/]*)/.exec(remote)?.[1];
    const authorization = host && authorizationFor(host, secrets);
    if (!authorization) {
        return {};
    }
    const key = `http.${remote}.extraheader`;
    const at = Number(caller.GIT_CONFIG_COUNT || 0);
    return {
        GIT_CONFIG_COUNT: String(at + 2),
        // Empty, it removes what is configured: a CI job's checkout has a login there, and GitHub refuses two.
        [`GIT_CONFIG_KEY_${at}`]: key,
        [`GIT_CONFIG_VALUE_${at}`]: "",
        [`GIT_CONFIG_KEY_${at + 1}`]: key,
        [`GIT_CONFIG_VALUE_${at + 1}`]: `Authorization: ${authorization}`,
    };
}

function authorizationFor(host: string, secrets: Secrets): string | undefined {
    for (const suffix of [`.${host}`, ""]) {
        const header = knownSecret(secrets, `GIT_AUTH_HEADER${suffix}`);
        const token = knownSecret(secrets, `GIT_AUTH_TOKEN${suffix}`);
        if (header !== undefined || token !== undefined) {
            return header ?? `basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`;
        }
    }
    return undefined;
}
