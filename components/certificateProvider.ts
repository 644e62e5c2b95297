import * as pulumi from "@pulumi/pulumi";

/**
 * Certificates as Pulumi resources: pure functions that issue and judge them, the two dynamic providers that call these
 * with the clock, and the two resources.
 *
 * Pulumi stores a dynamic provider in the stack's state as the text of its functions and of all they refer to at module
 * level. So those functions name no import: they `require` the library themselves, which keeps the text small and the
 * same on every machine, whatever the checkout's path.
 */

const millisecondsPerDay = 24 * 60 * 60 * 1000;

/** How far a certificate's beginning lies back, so that a machine whose clock is slow accepts it at once. */
const clockSkewMilliseconds = 5 * 60 * 1000;

/** Life of the certificate authority, in years. */
const authorityYears = 10;

/** Longest common name that X.509 allows (RFC 5280, ub-common-name). */
const commonNameLength = 64;

/** A certificate and its key. */
export interface IssuedCertificate {
    /** PEM. */
    certificate: string;
    /** PKCS #8, PEM. */
    key: string;
    /** The certificate's end, ISO 8601, whole seconds. */
    notAfter: string;
}

/** What is to be certified. */
export interface LeafRequest {
    /** What its holder may do in a TLS handshake, and nothing else. */
    usage: "server" | "client";
    /** For people who read the certificate; nothing checks it. Cut to 64 characters, what X.509 allows. */
    commonName: string;
    /** Host names that the certificate is valid for. */
    dnsNames: string[];
    /** IP addresses, version 4 or 6, that the certificate is valid for. */
    ipAddresses: string[];
    /** Days from the issue to the certificate's end, which never lies beyond the authority's own. */
    validityDays: number;
}

/**
 * The library, loaded where it is used: see the top of this file.
 *
 * Its dependency tsyringe refuses to load without a polyfill for decorators' metadata. The library keeps none (none of
 * its constructors has parameters to inject), so for the moment of loading an empty one will do.
 */
function x509(): typeof import("@peculiar/x509") {
    const reflect = Reflect as { getMetadata?: () => undefined; getOwnMetadata?: () => undefined };
    if (reflect.getMetadata) {
        return require("@peculiar/x509");
    }
    reflect.getMetadata = () => undefined;
    reflect.getOwnMetadata = () => undefined;
    try {
        return require("@peculiar/x509");
    } finally {
        delete reflect.getMetadata;
        delete reflect.getOwnMetadata;
    }
}

const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256" };
const signingAlgorithm = { name: "ECDSA", hash: "SHA-256" };

/** Ends with a newline, which the library's own does not: files of several certificates are made by appending. */
function pem(tag: string, data: ArrayBuffer): string {
    return `${x509().PemConverter.encode(data, tag)}\n`;
}

/** X.509 knows no fractions of a second. */
function wholeSeconds(milliseconds: number): Date {
    return new Date(Math.floor(milliseconds / 1000) * 1000);
}

/**
 * A new certificate authority: EC P-256, for ten years, allowed to sign certificates and no further authorities.
 *
 * It has no name constraints. Go checks them against every host name and address of a certificate, and users choose
 * their registry's host name: a list that is fixed for ten years would turn each new name into a new authority.
 *
 * @param commonName - Name of the authority, for people.
 * @param now - The time of the issue.
 */
export async function issueAuthority(commonName: string, now: Date): Promise<IssuedCertificate> {
    const lib = x509();
    const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
    const end = wholeSeconds(now.getTime());
    end.setUTCFullYear(end.getUTCFullYear() + authorityYears);
    const certificate = await lib.X509CertificateGenerator.createSelfSigned({
        // No serial number given: the library draws a positive one of 128 random bits.
        name: [{ CN: [commonName.slice(0, commonNameLength)] }],
        notBefore: wholeSeconds(now.getTime() - clockSkewMilliseconds),
        notAfter: end,
        keys,
        signingAlgorithm,
        extensions: [
            new lib.BasicConstraintsExtension(true, 0, true),
            new lib.KeyUsagesExtension(lib.KeyUsageFlags.keyCertSign | lib.KeyUsageFlags.cRLSign, true),
            await lib.SubjectKeyIdentifierExtension.create(keys.publicKey),
            await lib.AuthorityKeyIdentifierExtension.create(keys.publicKey),
        ],
    });
    return {
        certificate: pem(lib.PemConverter.CertificateTag, certificate.rawData),
        key: pem(lib.PemConverter.PrivateKeyTag, await crypto.subtle.exportKey("pkcs8", keys.privateKey)),
        notAfter: end.toISOString(),
    };
}

/** End of the certificate that a request gets now: after its validity, or with the authority. */
function leafEnd(authorityNotAfter: Date, validityDays: number, now: Date): Date {
    return wholeSeconds(Math.min(now.getTime() + validityDays * millisecondsPerDay, authorityNotAfter.getTime()));
}

/**
 * A new key (EC P-256) and its certificate, for a TLS server or a TLS client, signed by the authority.
 *
 * @param authority - The authority's certificate and key, PEM.
 * @param request - What is to be certified.
 * @param now - The time of the issue.
 * @throws Error when the authority itself has ended.
 */
export async function issueLeaf(
    authority: { certificate: string; key: string },
    request: LeafRequest,
    now: Date,
): Promise<IssuedCertificate> {
    const lib = x509();
    const issuer = new lib.X509Certificate(authority.certificate);
    if (issuer.notAfter.getTime() <= now.getTime()) {
        throw new Error(
            `No certificate for ${request.commonName}: ${issuer.subject} ended on ${issuer.notAfter.toISOString()}.`,
        );
    }
    const authorityKey = await crypto.subtle.importKey(
        "pkcs8",
        lib.PemConverter.decodeFirst(authority.key),
        keyAlgorithm,
        false,
        ["sign"],
    );
    const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
    const end = leafEnd(issuer.notAfter, request.validityDays, now);
    const alternativeNames = [
        ...request.dnsNames.map((value) => ({ type: "dns" as const, value })),
        ...request.ipAddresses.map((value) => ({ type: "ip" as const, value })),
    ];
    const certificate = await lib.X509CertificateGenerator.create({
        subject: [{ CN: [request.commonName.slice(0, commonNameLength)] }],
        issuer: issuer.subjectName,
        notBefore: wholeSeconds(now.getTime() - clockSkewMilliseconds),
        notAfter: end,
        publicKey: keys.publicKey,
        signingKey: authorityKey,
        signingAlgorithm,
        extensions: [
            new lib.BasicConstraintsExtension(false, undefined, true),
            new lib.KeyUsagesExtension(lib.KeyUsageFlags.digitalSignature, true),
            new lib.ExtendedKeyUsageExtension([lib.ExtendedKeyUsage[`${request.usage}Auth`]]),
            await lib.SubjectKeyIdentifierExtension.create(keys.publicKey),
            await lib.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
            ...(alternativeNames.length > 0 ? [new lib.SubjectAlternativeNameExtension(alternativeNames)] : []),
        ],
    });
    return {
        certificate: pem(lib.PemConverter.CertificateTag, certificate.rawData),
        key: pem(lib.PemConverter.PrivateKeyTag, await crypto.subtle.exportKey("pkcs8", keys.privateKey)),
        notAfter: end.toISOString(),
    };
}

/** What a `LeafCertificate` is declared with. */
export interface LeafInputs extends LeafRequest {
    /** The authority's certificate, PEM. */
    authorityCertificate: string;
    /** The authority's key, PEM; secret. */
    authorityKey: string;
    /** The last days of the certificate's life, in which it is renewed. */
    renewalDays: number;
}

/** What the state remembers of a `LeafCertificate`: the request it was issued for, and the certificate. */
export interface LeafOutputs extends LeafRequest, IssuedCertificate {
    authorityCertificate: string;
}

/**
 * Whether a new certificate must be issued: its request or its authority changed, or its renewal is due.
 *
 * @param issued - What there is.
 * @param wanted - What is declared.
 * @param now - The time of the question.
 */
export function needsIssue(issued: LeafOutputs, wanted: LeafInputs, now: Date): boolean {
    if (
        issued.authorityCertificate !== wanted.authorityCertificate ||
        issued.usage !== wanted.usage ||
        issued.commonName !== wanted.commonName ||
        issued.validityDays !== wanted.validityDays ||
        JSON.stringify(issued.dnsNames) !== JSON.stringify(wanted.dnsNames) ||
        JSON.stringify(issued.ipAddresses) !== JSON.stringify(wanted.ipAddresses)
    ) {
        return true;
    }
    const end = new Date(issued.notAfter);
    if (now.getTime() < end.getTime() - wanted.renewalDays * millisecondsPerDay) {
        return false;
    }
    // Next to the authority's own end a new certificate would end when the old one does: nothing to renew.
    const authorityEnd = new (x509().X509Certificate)(wanted.authorityCertificate).notAfter;
    return leafEnd(authorityEnd, wanted.validityDays, now).getTime() > end.getTime();
}

/** Issues what is wanted and returns every output; the authority's key is not one of them. */
async function issueWanted(wanted: LeafInputs): Promise<LeafOutputs> {
    const authority = { certificate: wanted.authorityCertificate, key: wanted.authorityKey };
    return {
        usage: wanted.usage,
        commonName: wanted.commonName,
        dnsNames: wanted.dnsNames,
        ipAddresses: wanted.ipAddresses,
        validityDays: wanted.validityDays,
        authorityCertificate: wanted.authorityCertificate,
        ...(await issueLeaf(authority, wanted, new Date())),
    };
}

// Without a `delete` of its own a dynamic provider deletes nothing, without a `read` it returns the state as it is:
// right for certificates, which live in the state only.

/** Provider of `CertificateAuthority`. What exists never changes: only its replacement makes another. */
export const authorityProvider: pulumi.dynamic.ResourceProvider<{ commonName: string }, IssuedCertificate> = {
    create: async (inputs) => ({
        id: inputs.commonName,
        outs: await issueAuthority(inputs.commonName, new Date()),
    }),
    diff: async () => ({ changes: false }),
};

/** Provider of `LeafCertificate`. All changes, renewal too, are updates in place. */
export const leafProvider: pulumi.dynamic.ResourceProvider<LeafInputs, LeafOutputs> = {
    create: async (inputs) => ({ id: inputs.commonName, outs: await issueWanted(inputs) }),
    diff: async (_id, issued, wanted) => ({ changes: needsIssue(issued, wanted, new Date()) }),
    update: async (_id, _issued, wanted) => ({ outs: await issueWanted(wanted) }),
};

/** A certificate authority of the stack's own. Lives ten years and is replaced on request only. */
export class CertificateAuthority extends pulumi.dynamic.Resource {
    /** PEM. */
    declare readonly certificate: pulumi.Output<string>;
    /** PKCS #8, PEM; secret. */
    declare readonly key: pulumi.Output<string>;
    /** The certificate's end, ISO 8601. */
    declare readonly notAfter: pulumi.Output<string>;

    /** @param args.commonName - Name of the authority, for people. */
    constructor(name: string, args: { commonName: string }, opts?: pulumi.CustomResourceOptions) {
        super(
            authorityProvider,
            name,
            { ...args, certificate: undefined, key: undefined, notAfter: undefined },
            pulumi.mergeOptions(opts, { additionalSecretOutputs: ["key"] }),
            "native-buildx",
            "CertificateAuthority",
        );
    }
}

/** A server's or a client's certificate, renewed by the first `pulumi up` in the last days of its life. */
export class LeafCertificate extends pulumi.dynamic.Resource {
    /** PEM. */
    declare readonly certificate: pulumi.Output<string>;
    /** PKCS #8, PEM; secret. */
    declare readonly key: pulumi.Output<string>;
    /** The certificate's end, ISO 8601. */
    declare readonly notAfter: pulumi.Output<string>;

    constructor(
        name: string,
        args: { [K in keyof LeafInputs]: pulumi.Input<LeafInputs[K]> },
        opts?: pulumi.CustomResourceOptions,
    ) {
        super(
            leafProvider,
            name,
            {
                ...args,
                authorityKey: pulumi.secret(args.authorityKey),
                certificate: undefined,
                key: undefined,
                notAfter: undefined,
            },
            pulumi.mergeOptions(opts, { additionalSecretOutputs: ["key"] }),
            "native-buildx",
            "LeafCertificate",
        );
    }
}
