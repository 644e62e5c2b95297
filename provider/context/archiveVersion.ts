import { knownSecret, type Secrets } from "./secrets";

/**
 * Asks a server for the ETag of a file, or else for the time of its last change.
 * @param authorization see `archiveLogin`
 * @param seconds to wait at most
 */
export async function archiveVersion(
    address: string,
    authorization?: string,
    seconds = 10,
): Promise<{ version: string } | { reason: string }> {
    try {
        const answer = await fetch(address, {
            method: "HEAD",
            headers: authorization ? { authorization } : {},
            signal: AbortSignal.timeout(seconds * 1000),
        });
        if (!answer.ok) {
            return { reason: `HTTP status ${answer.status}` };
        }
        // Whoever compresses it on the way calls it weak.
        const version = answer.headers.get("etag")?.replace(/^W\//, "") ?? answer.headers.get("last-modified");
        return version ? { version } : { reason: "the server says neither ETag nor Last-Modified" };
    } catch (error) {
        const { name, cause } = error as { name: string; cause?: { message?: string; code?: string } };
        // Not the error's own message: it may quote the header.
        const reason = cause?.message || cause?.code || "it cannot be asked";
        return { reason: name === "TimeoutError" ? `no answer within ${seconds} s` : reason };
    }
}

/** What BuildKit sends a file's server as Authorization: the secret HTTP_AUTH_TOKEN_HOST or HTTP_AUTH_HEADER_HOST. */
export function archiveLogin(address: string, secrets: Secrets): string | undefined {
    const { hostname } = new URL(address);
    const token = knownSecret(secrets, `HTTP_AUTH_TOKEN_${hostname}`);
    return token === undefined ? knownSecret(secrets, `HTTP_AUTH_HEADER_${hostname}`) : `Bearer ${token}`;
}
