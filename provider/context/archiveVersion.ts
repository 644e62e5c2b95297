import { fileHead } from "./fileHead";
import { knownSecret, type Secrets } from "./secrets";
import type { Unanswered } from "./unreachableServers";

/** What servers answer to HEAD that answer GET: some sign their addresses for it alone. */
const headRefused = new Set([403, 405, 501]);

/**
 * Asks a server for the ETag of a file, or else for the time of its last change.
 * @param authorization see `archiveLogin`
 * @param seconds to wait at most
 */
export async function archiveVersion(
    address: string,
    authorization?: string,
    seconds = 10,
): Promise<{ version: string } | Unanswered> {
    const ask = (method: "HEAD" | "GET") => fileHead(method, new URL(address).href, authorization, seconds);
    const first = await ask("HEAD");
    const answer = "status" in first && headRefused.has(first.status) ? await ask("GET") : first;
    if ("reason" in answer) {
        return answer;
    }
    const { status, headers } = answer;
    if (status < 200 || status > 299) {
        return { reason: `HTTP status ${status}` };
    }
    const header = (name: string) => new RegExp(`^${name}:[ \\t]*(.*\\S)`, "im").exec(headers)?.[1];
    // Whoever compresses it on the way calls it weak.
    const version = header("etag")?.replace(/^W\//, "") ?? header("last-modified");
    return version ? { version } : { reason: "the server says neither ETag nor Last-Modified" };
}

/** What BuildKit sends a file's server as Authorization: the secret HTTP_AUTH_TOKEN_HOST or HTTP_AUTH_HEADER_HOST. */
export function archiveLogin(address: string, secrets: Secrets): string | undefined {
    const { hostname } = new URL(address);
    const token = knownSecret(secrets, `HTTP_AUTH_TOKEN_${hostname}`);
    return token === undefined ? knownSecret(secrets, `HTTP_AUTH_HEADER_${hostname}`) : `Bearer ${token}`;
}
