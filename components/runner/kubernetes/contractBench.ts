import { type ContractBench, namesOf } from "../contractBench";
import { awake, fakeKubectl } from "./wakeKubernetesBench";

export const contractBench: ContractBench = {
    idleMinutes: 5,
    endpoint: /^kube-pod:\/\/[a-z0-9-]+-0\?namespace=native-buildx-prod$/,
    necessary: () => ({}),
    rightMachine: (bench) => {
        bench.stub("kubectl", fakeKubectl);
        for (const [runner] of namesOf(2)) {
            bench.write(`states/${runner.replace("_", "-")}`, `${awake}\n`);
        }
    },
    breakMachine: (bench) => bench.stub("kubectl", 'echo "Error from server (Forbidden)" >&2; exit 1'),
};
