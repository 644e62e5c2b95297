import { runnersPolicy } from "./networkPolicy";

describe("the network policy of runners", () => {
    const { ingress, egress, ...about } = runnersPolicy({ isEks: false });

    it("is one for all pods of the namespace, whom nobody reaches", () => {
        expect(about).toEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
        expect(ingress).toEqual([]);
    });

    it("lets them reach everything but the metadata services, in addresses or as pods", () => {
        expect(egress).toContainEqual({
            to: [
                {
                    ipBlock: {
                        cidr: "0.0.0.0/0",
                        except: ["169.254.169.254/32", "100.100.100.200/32", "168.63.129.16/32", "169.254.170.23/32"],
                    },
                },
                {
                    ipBlock: {
                        cidr: "::/0",
                        except: ["fd00:ec2::23/128", "fd00:ec2::254/128", "fd20:ce::254/128"],
                    },
                },
                { namespaceSelector: {} },
            ],
        });
    });

    it("lets them ask a name service that is at such an address", () => {
        expect(egress).toContainEqual({
            to: expect.arrayContaining([{ ipBlock: { cidr: "169.254.169.254/32" } }]),
            ports: [
                { protocol: "UDP", port: 53 },
                { protocol: "TCP", port: 53 },
            ],
        });
    });

    it("names on EKS no pods but those of the name service: its network makes a list of all", () => {
        const policy = runnersPolicy({ isEks: true });
        expect(JSON.stringify(policy)).not.toContain('"namespaceSelector":{}');
        expect(policy.egress).toContainEqual({
            to: expect.arrayContaining([
                { ipBlock: expect.objectContaining({ cidr: "0.0.0.0/0" }) },
                {
                    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
                    podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
                },
            ]),
        });
    });
});
