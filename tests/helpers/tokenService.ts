import { sign, X509Certificate } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";

/*
 * A token service as registries have it in front of them (https://distribution.github.io/distribution/spec/auth/): it
 * knows users and what each may do, and signs what a registry believes. To be run as a program; its argument is a file
 * with `TokenServiceOptions` as JSON.
 */

export interface TokenServiceOptions {
    address: string;
    /** PEM files of the server, and of what it signs tokens with. */
    tls: { key: string; cert: string };
    signing: { key: string; cert: string };
    issuer: string;
    users: { [name: string]: { password: string; repositories: string; actions: string[] } };
    /** File that gets a line of JSON for each request. */
    log: string;
}

/** One request, as it is in the log. */
export interface TokenRequest {
    /** Empty: anonymous. */
    user: string;
    method: string;
    service: string;
    scopes: string[];
    /** What it was given, as in `repository:acme/app:pull,push`. */
    granted: string[];
    status: number;
}

interface Asked {
    user: string;
    password: string;
    service: string;
    scopes: string[];
}

function serve(options: TokenServiceOptions): void {
    const key = readFileSync(options.signing.key);
    const chain = [new X509Certificate(readFileSync(options.signing.cert)).raw.toString("base64")];
    const tls = { key: readFileSync(options.tls.key), cert: readFileSync(options.tls.cert) };

    const tokenFor = (user: string, service: string, granted: string[]) => {
        const now = Math.floor(Date.now() / 1000);
        const access = granted.map((scope) => {
            const [type, name, actions = ""] = scope.split(":");
            return { type, name, actions: actions.split(",") };
        });
        const times = { iat: now, nbf: now - 60, exp: now + 300 };
        const claims = { iss: options.issuer, sub: user, aud: service, jti: String(Math.random()), ...times, access };
        const parts = [{ typ: "JWT", alg: "ES256", x5c: chain }, claims];
        const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
        return `${text}.${sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
    };

    const answer = ({ user, password, service, scopes }: Asked, method: string): [number, object] => {
        const known = options.users[user];
        const isRight = user === "" || known?.password === password;
        const granted = isRight && known ? scopes.flatMap((scope) => grantOf(scope, known)) : [];
        const status = isRight ? 200 : 401;
        const entry: TokenRequest = { user, method, service, scopes, granted, status };
        appendFileSync(options.log, `${JSON.stringify(entry)}\n`);
        if (!isRight) {
            return [401, { details: "incorrect username or password" }];
        }
        const token = tokenFor(user, service, granted);
        return [
            200,
            method === "POST" ? { access_token: token, expires_in: 300, scope: granted.join(" ") } : { token },
        ];
    };

    createServer(tls, async (request: IncomingMessage, response: ServerResponse) => {
        const url = new URL(request.url ?? "/", `https://${request.headers.host}`);
        const respond = (status: number, body: object) => {
            response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
        };
        if (request.method === "GET") {
            return respond(...answer(askedByQuery(url, request.headers.authorization), "GET"));
        }
        // Registries older than OAuth, as GitLab's, know GET only.
        if (url.pathname !== "/oauth") {
            return respond(404, {});
        }
        return respond(...answer(askedByForm(await bodyOf(request)), "POST"));
    }).listen(443, options.address, () => process.stdout.write("serving\n"));
}

/** What of a scope a user may have. */
function grantOf(scope: string, { repositories, actions }: TokenServiceOptions["users"][string]): string[] {
    const [type, name = "", wanted = ""] = scope.split(":");
    const given = wanted.split(",").filter((action) => actions.includes(action));
    return type === "repository" && name.startsWith(repositories) && given.length > 0
        ? [`${type}:${name}:${given.join(",")}`]
        : [];
}

function askedByQuery({ searchParams }: URL, authorization = ""): Asked {
    const [user = "", ...password] = Buffer.from(authorization.replace(/^Basic /, ""), "base64")
        .toString()
        .split(":");
    const scopes = searchParams.getAll("scope").flatMap((scope) => scope.split(" "));
    return { user, password: password.join(":"), service: searchParams.get("service") ?? "", scopes };
}

function askedByForm(form: URLSearchParams): Asked {
    return {
        user: form.get("username") ?? "",
        password: form.get("password") ?? "",
        service: form.get("service") ?? "",
        scopes: (form.get("scope") ?? "").split(" ").filter(Boolean),
    };
}

async function bodyOf(request: IncomingMessage): Promise<URLSearchParams> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
        chunks.push(chunk as Buffer);
    }
    return new URLSearchParams(Buffer.concat(chunks).toString());
}

if (require.main === module) {
    serve(JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as TokenServiceOptions);
}
