import { address, type ContractBench, namesOf, stackName } from "../contractBench";
import { fakeAws, running } from "./wakeEc2Bench";

const block = (what: string) => `-----BEGIN ${what}-----\nBODY\n-----END ${what}-----\n`;

export const contractBench: ContractBench = {
    idleMinutes: 5,
    endpoint: address,
    necessary: () => ({ allowedCidrs: ["203.0.113.7/32"] }),
    rightMachine: (bench) => {
        bench.stub("aws", fakeAws);
        bench.stub("curl", "echo 0.012; exit 56");
        for (const [runner] of namesOf(2)) {
            bench.write(`states/i-${stackName}-${runner}`, `${running}\n`);
        }
        bench.write("parameter", block("CERTIFICATE").repeat(2) + block("PRIVATE KEY"));
    },
    breakMachine: (bench) => bench.stub("aws", 'echo "An error occurred (UnauthorizedOperation)" >&2; exit 254'),
};
