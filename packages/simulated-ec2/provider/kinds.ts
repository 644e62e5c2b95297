import type { Kind } from "./kind";
import { instanceProfile, openIdConnectProvider, role, rolePolicy } from "./resources/iam";
import { instance } from "./resources/instance";
import { internetGateway, internetGatewayAttachment } from "./resources/internetGateway";
import { defaultRouteTable } from "./resources/routeTable";
import { securityGroup } from "./resources/securityGroup";
import { parameter } from "./resources/ssm";
import { volume } from "./resources/volume";
import { volumeAttachment } from "./resources/volumeAttachment";
import { subnet, vpc } from "./resources/vpc";

/** THE table of the resource types that the stand-in handles. */
export const kinds: { readonly [token: string]: Kind } = {
    "aws:ebs/volume:Volume": volume,
    "aws:ec2/defaultRouteTable:DefaultRouteTable": defaultRouteTable,
    "aws:ec2/instance:Instance": instance,
    "aws:ec2/internetGateway:InternetGateway": internetGateway,
    "aws:ec2/internetGatewayAttachment:InternetGatewayAttachment": internetGatewayAttachment,
    "aws:ec2/securityGroup:SecurityGroup": securityGroup,
    "aws:ec2/subnet:Subnet": subnet,
    "aws:ec2/volumeAttachment:VolumeAttachment": volumeAttachment,
    "aws:ec2/vpc:Vpc": vpc,
    "aws:iam/instanceProfile:InstanceProfile": instanceProfile,
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": openIdConnectProvider,
    "aws:iam/role:Role": role,
    "aws:iam/rolePolicy:RolePolicy": rolePolicy,
    "aws:ssm/parameter:Parameter": parameter,
};
