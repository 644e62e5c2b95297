// The library's public names that need the AWS packages.
export { CiRole, type CiRoleArgs } from "./ci/ciRole";
export { ConnectParameters, type ConnectParametersArgs } from "./ci/connectParameters";
export { EcrRegistry, type EcrRegistryArgs } from "./registry/ecr/ecrRegistry";
export { Ec2Runners, type Ec2RunnersArgs } from "./runner/ec2/ec2Runners";
