import { spawn } from "node:child_process";
import { validateHeaderValue } from "node:http";
import { text } from "node:stream/consumers";
import type { Unanswered } from "./unreachableServers";

/** Of a server's answer: its status, and the lines of its headers. */
export interface Head {
    status: number;
    headers: string;
}

/**
 * What a server says before a file. By curl, which goes by the caller's proxies and authorities, as BuildKit does: Node's
 * `fetch` goes by neither, and npm's agents for it take a domain in NO_PROXY for one host.
 * @param method what follows the head of a GET is not waited for
 * @param authorization for this server alone, not for those that it leads to
 * @param seconds to wait at most
 */
export async function fileHead(
    method: "HEAD" | "GET",
    address: string,
    authorization: string | undefined,
    seconds: number,
): Promise<Head | Unanswered> {
    try {
        validateHeaderValue("Authorization", authorization ?? "");
        const { head, messages, status } = await curl(method, configuration(address, authorization), seconds);
        if (head) {
            return head;
        }
        // The lines that follow are advice.
        const said = /^(?:curl: \(\d+\) )?(.+)/.exec(messages)?.[1] ?? `curl ended with ${status}`;
        if (status === tooLate) {
            return { reason: `no answer within ${seconds} s`, tooLate: true };
        }
        return unreachable.has(status) ? { reason: said, unreachable: true } : { reason: said };
    } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        return { reason: code === "ENOENT" ? "curl is not installed" : message };
    }
}

/** Exit status of curl: no answer in time. */
const tooLate = 28;
/** Exit statuses of curl: no such proxy or host, no connection. */
const unreachable = new Set<number | null>([5, 6, 7]);

/** For curl's standard input: arguments can be read by every process, and an address may have a signature. */
function configuration(address: string, authorization: string | undefined): string {
    const quoted = (value: string) => `"${value.replace(/[\\"]/g, "\\$&")}"`;
    const header = authorization ? `header = ${quoted(`Authorization: ${authorization}`)}\n` : "";
    return `url = ${quoted(address)}\n${header}`;
}

async function curl(method: "HEAD" | "GET", input: string, seconds: number) {
    const args = ["--disable", "--config", "-", "--silent", "--show-error", "--globoff", "--location"];
    args.push("--proto", "=http,https", "--max-time", `${seconds}`);
    args.push("--dump-header", "-", "--suppress-connect-headers", "--output", "/dev/null");
    // By itself curl takes one of these, or neither where it has a variable of its own; BuildKit takes both.
    const { SSL_CERT_FILE, SSL_CERT_DIR } = process.env;
    args.push(
        ...(SSL_CERT_FILE ? ["--cacert", SSL_CERT_FILE] : []),
        ...(SSL_CERT_DIR ? ["--capath", SSL_CERT_DIR] : []),
    );
    // curl takes this in small letters only.
    const env = { ...process.env, http_proxy: process.env.http_proxy || process.env.HTTP_PROXY };
    const child = spawn("curl", method === "HEAD" ? [...args, "--head"] : args, { env });
    const ended = new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
    // curl may have ended before it has read this.
    child.stdin.on("error", () => undefined).end(input);
    const readHead = async () => {
        let answers = "";
        for await (const part of child.stdout.setEncoding("latin1")) {
            answers += part;
            const head = lastHead(answers);
            if (head) {
                child.kill();
                return head;
            }
        }
        return undefined;
    };
    const [status, head, messages] = await Promise.all([ended, readHead(), text(child.stderr)]);
    return { status, head, messages };
}

/** The head of the answer that the others lead to, once it is whole. */
function lastHead(answers: string): Head | undefined {
    const whole = answers.split(/\r?\n\r?\n/).slice(0, -1);
    const headers = whole.find((head) => !/^HTTP\/\S+ (1|3(?=.*\nlocation:))/is.test(head));
    return headers === undefined ? undefined : { status: Number(/\d{3}/.exec(headers)?.[0]), headers };
}
