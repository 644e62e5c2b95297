import {
    AttachInternetGatewayCommand,
    CreateInternetGatewayCommand,
    DeleteInternetGatewayCommand,
    DescribeInternetGatewaysCommand,
    DetachInternetGatewayCommand,
} from "@aws-sdk/client-ec2";
import { type Kind, unlessGone } from "../kind";
import { fromTagList, text } from "../values";
import { arn, tagsOf } from "./ec2Resource";

export const internetGateway: Kind = {
    inputs: { tags: true },
    replaceOn: [],
    async create({ ec2, region }, inputs) {
        const made = await ec2.send(
            new CreateInternetGatewayCommand({ TagSpecifications: tagsOf("internet-gateway", inputs.tags) }),
        );
        const id = made.InternetGateway?.InternetGatewayId ?? "";
        return { id, outputs: { arn: arn(region, `internet-gateway/${id}`) } };
    },
    async read({ ec2 }, id) {
        const found = await unlessGone(ec2.send(new DescribeInternetGatewaysCommand({ InternetGatewayIds: [id] })));
        return found?.InternetGateways?.[0] ? { tags: fromTagList(found.InternetGateways[0].Tags) } : undefined;
    },
    async delete({ ec2 }, id) {
        await unlessGone(ec2.send(new DeleteInternetGatewayCommand({ InternetGatewayId: id })));
    },
};

export const internetGatewayAttachment: Kind = {
    inputs: { internetGatewayId: true, vpcId: true },
    replaceOn: ["internetGatewayId", "vpcId"],
    async create({ ec2 }, inputs) {
        const [InternetGatewayId, VpcId] = [text(inputs.internetGatewayId), text(inputs.vpcId)];
        await ec2.send(new AttachInternetGatewayCommand({ InternetGatewayId, VpcId }));
        return { id: `${InternetGatewayId}:${VpcId}`, outputs: {} };
    },
    async read({ ec2 }, _id, state) {
        const ids = [text(state.internetGatewayId)];
        const found = await unlessGone(ec2.send(new DescribeInternetGatewaysCommand({ InternetGatewayIds: ids })));
        const attached = found?.InternetGateways?.[0]?.Attachments?.some(({ VpcId }) => VpcId === state.vpcId);
        return attached ? state : undefined;
    },
    async delete({ ec2 }, _id, state) {
        const [InternetGatewayId, VpcId] = [text(state.internetGatewayId), text(state.vpcId)];
        await unlessGone(ec2.send(new DetachInternetGatewayCommand({ InternetGatewayId, VpcId })));
    },
};
