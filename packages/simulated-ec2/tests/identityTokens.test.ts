import { createPublicKey, type JsonWebKey } from "node:crypto";
import { CreateOpenIDConnectProviderCommand, IAMClient } from "@aws-sdk/client-iam";
import { AssumeRoleWithWebIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { canSimulate, Simulation, TokenIssuer } from "..";

jest.setTimeout(120_000);

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
(canSimulate ? describe : describe.skip)("STS and identity tokens", () => {
    let sim: Simulation;
    const issuer = new TokenIssuer("https://git.example");
    const [stranger, keyless] = [new TokenIssuer("https://git.example"), new TokenIssuer("https://keyless.example")];
    const unknown = new TokenIssuer("https://unknown.example");

    beforeAll(async () => {
        sim = Simulation.start();
        const iam = new IAMClient(sim.client);
        for (const { url } of [issuer, keyless]) {
            await iam.send(new CreateOpenIDConnectProviderCommand({ Url: url, ClientIDList: ["me", "you"] }));
        }
        await sim.setIssuerKeys({ [issuer.url]: issuer.jwks, [unknown.url]: unknown.jwks });
    }, 600_000);
    afterAll(() => {
        sim?.stop();
    });

    const claims = { sub: "job", aud: "me" };
    const kid = issuer.jwks.keys[0]?.kid;
    const publicKey = createPublicKey({ key: issuer.jwks.keys[0] as JsonWebKey, format: "jwk" });
    const secret = publicKey.export({ type: "spki", format: "pem" });
    const [head = "", body = "", signature = ""] = issuer.token(claims).split(".");
    const changed = { ...JSON.parse(Buffer.from(body, "base64url").toString()), sub: "another job" };
    const changedBody = Buffer.from(JSON.stringify(changed)).toString("base64url");
    const soon = Math.floor(Date.now() / 1000) + 3600;

    it.each<[string, string, string]>([
        ["a token for the first audience", issuer.token(claims), "taken"],
        ["a token for the second audience", issuer.token({ ...claims, aud: "you" }), "taken"],
        ["a token for one party of two", issuer.token({ ...claims, aud: ["me", "they"], azp: "me" }), "taken"],
        ["a token that expired a minute ago: clocks differ", issuer.token(claims, { expiresIn: -60 }), "taken"],
        ["a token that expired six minutes ago", issuer.token(claims, { expiresIn: -360 }), "ExpiredTokenException"],
        ["a token that is not valid yet", issuer.token({ ...claims, nbf: soon }), "InvalidIdentityTokenException"],
        ["a token that is of later", issuer.token({ ...claims, iat: soon }), "InvalidIdentityTokenException"],
        ["another audience", issuer.token({ ...claims, aud: "they" }), "InvalidIdentityTokenException"],
        ["two audiences", issuer.token({ ...claims, aud: ["me", "they"] }), "InvalidIdentityTokenException"],
        ["another party", issuer.token({ ...claims, azp: "they" }), "InvalidIdentityTokenException"],
        ["no subject", issuer.token({ aud: "me" }), "InvalidIdentityTokenException"],
        ["changed claims", [head, changedBody, signature].join("."), "InvalidIdentityTokenException"],
        ["no signature", `${head}.${body}.`, "InvalidIdentityTokenException"],
        ["a key that the issuer does not have", stranger.token(claims), "InvalidIdentityTokenException"],
        [
            "a key that has the id of the issuer's",
            stranger.token(claims, { header: { kid } }),
            "InvalidIdentityTokenException",
        ],
        ["no algorithm", issuer.token(claims, { header: { alg: "none" } }), "InvalidIdentityTokenException"],
        [
            "the public key as a secret",
            issuer.token(claims, { header: { alg: "HS256" }, secret }),
            "InvalidIdentityTokenException",
        ],
        [
            "an issuer that signs for another",
            issuer.token({ ...claims, iss: unknown.url }),
            "InvalidIdentityTokenException",
        ],
        ["an issuer that the account has no provider of", unknown.token(claims), "InvalidIdentityTokenException"],
        ["an issuer whose keys are not known", keyless.token(claims), "IDPCommunicationErrorException"],
        ["no token", "token", "InvalidIdentityTokenException"],
    ])("%s", async (_what, token, expected) => {
        const RoleArn = "arn:aws:iam::123456789012:role/ci";
        const request = { RoleArn, RoleSessionName: "job", WebIdentityToken: token };
        const said = await new STSClient({ ...sim.client, maxAttempts: 1 })
            .send(new AssumeRoleWithWebIdentityCommand(request))
            .then(
                () => "taken",
                (error: Error) => error.name,
            );
        expect(said).toBe(expected);
    });
});
