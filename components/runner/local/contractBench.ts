import { type ContractBench, onThisMachine } from "../contractBench";

export const contractBench: ContractBench = {
    ...onThisMachine,
    idleMinutes: 5,
    necessary: (localPort) => ({ localPort }),
};
