import { SSMClient } from "@aws-sdk/client-ssm";
import { domainOf } from "./ec2UserData";

test.each(["eu-central-1", "us-gov-west-1", "cn-north-1", "eusc-de-east-1"])(
    "a machine in %s calls AWS where its SDK does",
    async (region) => {
        const { config } = new SSMClient({ region });
        const { url } = config.endpointProvider({ Region: region });
        expect(url.hostname).toBe(`ssm.${region}.${domainOf(region)}`);
    },
);
