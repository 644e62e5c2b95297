import { runnersPolicies } from "./networkPolicy";

describe("the network policies of runners", () => {
    const { runners, "runners-ipv6": ipv6 } = runnersPolicies({ isEks: false });

    it("are for all pods of the namespace, whom nobody reaches", () => {
        for (const { egress, ...others } of [runners, ipv6]) {
            expect(others).toEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"], ingress: [] });
        }
    });

    it("let them reach everything but the metadata services, in addresses or as pods", () => {
        const refused = ["169.254.169.254/32", "100.100.100.200/32", "168.63.129.16/32", "169.254.170.23/32"];
        expect(runners.egress).toContainEqual({
            to: [{ ipBlock: { cidr: "0.0.0.0/0", except: refused } }, { namespaceSelector: {} }],
        });
        const refusedIpv6 = ["fd00:ec2::23/128", "fd00:ec2::254/128", "fd20:ce::254/128"];
        expect(ipv6.egress).toContainEqual({ to: [{ ipBlock: { cidr: "::/0", except: refusedIpv6 } }] });
    });

    it("are one without an address of IPv6, which Azure's network would not take, and one of such alone", () => {
        expect(JSON.stringify(runners)).not.toContain("::");
        expect(JSON.stringify(ipv6)).not.toMatch(/\d\.\d/);
    });

    it("let them ask a name service that is at such an address", () => {
        const ports = [
            { protocol: "UDP", port: 53 },
            { protocol: "TCP", port: 53 },
        ];
        for (const [{ egress }, cidr] of [
            [runners, "169.254.169.254/32"],
            [runners, "168.63.129.16/32"],
            [ipv6, "fd20:ce::254/128"],
        ] as const) {
            expect(egress).toContainEqual({ to: expect.arrayContaining([{ ipBlock: { cidr } }]), ports });
        }
    });

    it("name on EKS no pods but those of the name service: its network makes a list of all", () => {
        const onEks = runnersPolicies({ isEks: true });
        expect(JSON.stringify(onEks)).not.toContain('"namespaceSelector":{}');
        expect(onEks.runners.egress).toContainEqual({
            to: expect.arrayContaining([
                {
                    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
                    podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
                },
            ]),
        });
    });
});
