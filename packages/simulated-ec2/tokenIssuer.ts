import { createHmac, generateKeyPairSync, randomUUID, sign } from "node:crypto";

type Json = { [name: string]: unknown };

/** What of a token a test changes. */
export interface TokenChanges {
    /** @default RS256, and the id of the issuer's key */
    header?: Json;
    /** Sign with this and not with the issuer's key, by HMAC. */
    secret?: string | Buffer;
    /** Seconds from now at which it expires. @default 300 */
    expiresIn?: number;
}

/** The part of an identity provider that makes tokens: a key of its own, and what is signed with it. */
export class TokenIssuer {
    private readonly id = randomUUID();
    private readonly keys = generateKeyPairSync("rsa", { modulusLength: 2048 });

    /** @param url as tokens have it in `iss` */
    constructor(readonly url: string) {}

    /** What it serves to those who check its tokens. */
    get jwks(): { keys: Json[] } {
        const key = this.keys.publicKey.export({ format: "jwk" });
        return { keys: [{ ...key, kid: this.id, alg: "RS256", use: "sig" }] };
    }

    /** A signed token (JWT) of these claims. */
    token(claims: Json, { header = {}, secret, expiresIn = 300 }: TokenChanges = {}): string {
        const now = Math.floor(Date.now() / 1000);
        const head = { typ: "JWT", alg: "RS256", kid: this.id, ...header };
        const body = { iss: this.url, iat: now - 3600, nbf: now - 3600, exp: now + expiresIn, ...claims };
        const signed = [head, body].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
        const signature = secret
            ? createHmac("sha256", secret).update(signed).digest()
            : sign("sha256", Buffer.from(signed), this.keys.privateKey);
        return `${signed}.${head.alg === "none" ? "" : signature.toString("base64url")}`;
    }
}
