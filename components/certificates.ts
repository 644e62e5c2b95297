import { isIP } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import { CertificateAuthority, LeafCertificate } from "./certificateProvider";

/** A certificate with its key. */
export interface KeyPair {
    /** PEM. */
    certificate: pulumi.Output<string>;
    /** PKCS #8, PEM; secret. */
    key: pulumi.Output<string>;
}

/** A server that wants a certificate. */
export interface ServerNames {
    /** Host names that its certificate is valid for, one at least; the first is also the certificate's common name. */
    dnsNames: string[];
    /**
     * IP addresses, version 4 or 6, that its certificate is valid for.
     *
     * @default none
     */
    ipAddresses?: string[];
}

export interface CertificatesArgs {
    /** The servers that want a certificate, each by a name of ours. */
    servers: { [name: string]: ServerNames };
    /**
     * Life of the servers' and the client's certificates, in days. More than 0; at most 825, the most that Apple's
     * systems accept of any server.
     *
     * @default 365: nothing but `pulumi up` renews, and CI keeps a copy of the client's certificate.
     */
    validityDays?: number;
    /**
     * The last days of a certificate's life, in which `pulumi up` renews it. At least 0, and less than `validityDays`.
     *
     * @default 60, or a third of `validityDays` where that is less.
     */
    renewalDays?: number;
}

const maximumValidityDays = 825;

/** Days before its end from which `pulumi up` warns of the authority's, if certificates live less long than this. */
const minimumWarningDays = 30;

const millisecondsPerDay = 24 * 60 * 60 * 1000;

const hostName = /^(\*\.)?([a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i;

/**
 * The stack's certificates: an authority, a certificate per server, and one for the clients of them all.
 *
 * Everything is EC P-256, and lives in the stack's state, the keys as secrets. `pulumi up` renews the servers' and the
 * client's certificates in place, each with a new key, when their last `renewalDays` have begun; until they end, the old
 * ones stay valid next to the new, since the authority stays the same. The authority lives ten years. It is never
 * replaced unasked: `pulumi up` warns before its end, fails after it, and says what to do.
 */
export class Certificates extends pulumi.ComponentResource {
    /** The authority's certificate, PEM; not secret. */
    readonly ca: pulumi.Output<string>;
    /** The servers' certificates, by the names of `CertificatesArgs.servers`. */
    readonly servers: { [name: string]: KeyPair };
    /** What a client shows to any of the servers. */
    readonly client: KeyPair;

    /** @throws RunError with every wrong argument: its name, its value, and what is right. */
    constructor(name: string, args: CertificatesArgs, opts?: pulumi.ComponentResourceOptions) {
        super("native-buildx:index:Certificates", name, {}, opts);

        const validityDays = args.validityDays ?? 365;
        const renewalDays = args.renewalDays ?? Math.min(60, validityDays / 3);
        const errors = argumentErrors(args.servers, validityDays, renewalDays);
        if (errors.length > 0) {
            throw new pulumi.RunError(`Certificates ${name}:\n${errors.map((error) => `- ${error}`).join("\n")}`);
        }

        const authority = new CertificateAuthority(
            `${name}-ca`,
            { commonName: `native-buildx ${pulumi.getStack()} CA` },
            { parent: this },
        );
        this.ca = authority.certificate;
        pulumi.all([authority.notAfter, authority.urn]).apply(([notAfter, urn]) => {
            const end = authorityEnd(new Date(notAfter), validityDays, urn, new Date());
            if (end) {
                // Not thrown, which would show up once per resource that uses a certificate: a logged error fails the
                // update too.
                void pulumi.log[end.ended ? "error" : "warn"](end.message, authority);
            }
        });

        const issue = (child: string, usage: "server" | "client", commonName: string, names: ServerNames): KeyPair => {
            const leaf = new LeafCertificate(
                child,
                {
                    authorityCertificate: this.ca,
                    authorityKey: authority.key,
                    usage,
                    commonName,
                    dnsNames: names.dnsNames,
                    ipAddresses: names.ipAddresses ?? [],
                    validityDays,
                    renewalDays,
                },
                { parent: this },
            );
            return { certificate: leaf.certificate, key: pulumi.secret(leaf.key) };
        };

        this.servers = Object.fromEntries(
            Object.entries(args.servers).map(([server, names]) => [
                server,
                issue(`${name}-server-${server}`, "server", names.dnsNames[0] ?? server, names),
            ]),
        );
        this.client = issue(`${name}-client`, "client", `native-buildx ${pulumi.getStack()} client`, { dnsNames: [] });

        this.registerOutputs({ ca: this.ca, servers: this.servers, client: this.client });
    }
}

/** Everything wrong with the arguments, in words for the person who wrote them. */
function argumentErrors(
    servers: CertificatesArgs["servers"],
    validityDays: number,
    renewalDays: number,
): readonly string[] {
    const errors: string[] = [];
    if (!(validityDays > 0 && validityDays <= maximumValidityDays)) {
        errors.push(`validityDays: ${validityDays} is not more than 0 and at most ${maximumValidityDays}.`);
    } else if (!(renewalDays >= 0 && renewalDays < validityDays)) {
        errors.push(
            `renewalDays: ${renewalDays} is not at least 0 and less than validityDays (${validityDays}). ` +
                "With more, every `pulumi up` would renew every certificate.",
        );
    }
    for (const [server, { dnsNames, ipAddresses = [] }] of Object.entries(servers)) {
        if (dnsNames.length === 0) {
            errors.push(`servers.${server}.dnsNames: empty, but TLS clients check a host name: give one.`);
        }
        for (const dnsName of dnsNames) {
            if (isIP(dnsName) !== 0) {
                errors.push(`servers.${server}.dnsNames: ${dnsName} is an address: it belongs in ipAddresses.`);
            } else if (dnsName.length > 253 || !hostName.test(dnsName)) {
                errors.push(
                    `servers.${server}.dnsNames: "${dnsName}" is not a host name ` +
                        "(no port, no dot at the end, international names as xn--...).",
                );
            }
        }
        for (const address of ipAddresses) {
            if (isIP(address) === 0 || address.includes("%")) {
                errors.push(`servers.${server}.ipAddresses: "${address}" is not an IP address.`);
            }
        }
    }
    return errors;
}

/**
 * What to tell of an authority's end: nothing while new certificates can live as long as they should.
 *
 * @param notAfter - The authority's end.
 * @param validityDays - Life of the certificates that it issues.
 * @param urn - The authority's resource.
 * @param now - The time of the question.
 */
export function authorityEnd(
    notAfter: Date,
    validityDays: number,
    urn: string,
    now: Date,
): { ended: boolean; message: string } | undefined {
    const daysLeft = (notAfter.getTime() - now.getTime()) / millisecondsPerDay;
    if (daysLeft > Math.max(validityDays, minimumWarningDays)) {
        return undefined;
    }
    const ended = daysLeft <= 0;
    const when = notAfter.toISOString().slice(0, 10);
    return {
        ended,
        message:
            `The stack's certificate authority ${ended ? "ended" : "ends"} on ${when}, and every certificate of the ` +
            `stack with it. Make a new one, and new certificates from it: pulumi up --replace '${urn}'. ` +
            "Who keeps the old ones (CI secrets, running runners) needs the new ones then.",
    };
}
