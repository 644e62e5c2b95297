import { type ContractBench, onThisMachine } from "../../components/runner/contractBench";

export const contractBench: ContractBench = {
    ...onThisMachine,
    idleMinutes: 0,
    necessary: (daemonPort) => ({ daemonPort }),
};
