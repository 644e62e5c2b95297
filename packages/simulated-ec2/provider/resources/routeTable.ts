import {
    CreateRouteCommand,
    DeleteRouteCommand,
    DescribeRouteTablesCommand,
    type EC2Client,
} from "@aws-sdk/client-ec2";
import { type Kind, unlessGone } from "../kind";
import { fromTagList, list, object, text, type Value } from "../values";
import { arn, retag } from "./ec2Resource";

async function setRoutes(ec2: EC2Client, RouteTableId: string, routes: Value): Promise<void> {
    const found = await ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [RouteTableId] }));
    for (const { DestinationCidrBlock, GatewayId } of found.RouteTables?.[0]?.Routes ?? []) {
        if (GatewayId !== "local") {
            await ec2.send(new DeleteRouteCommand({ DestinationCidrBlock, RouteTableId }));
        }
    }
    for (const route of list(routes).map(object)) {
        const [DestinationCidrBlock, GatewayId] = [text(route.cidrBlock), text(route.gatewayId)];
        await ec2.send(new CreateRouteCommand({ DestinationCidrBlock, GatewayId, RouteTableId }));
    }
}

/** Not made, but taken over, and left as it is in the end. */
export const defaultRouteTable: Kind = {
    inputs: { defaultRouteTableId: true, routes: { cidrBlock: true, gatewayId: true }, tags: true },
    replaceOn: ["defaultRouteTableId"],
    async create({ ec2, region }, inputs) {
        const id = text(inputs.defaultRouteTableId);
        await setRoutes(ec2, id, inputs.routes);
        await retag(ec2, id, null, inputs.tags);
        return { id, outputs: { arn: arn(region, `route-table/${id}`) } };
    },
    async read({ ec2 }, id) {
        const found = await unlessGone(ec2.send(new DescribeRouteTablesCommand({ RouteTableIds: [id] })));
        const table = found?.RouteTables?.[0];
        const routes = table?.Routes?.filter(({ GatewayId }) => GatewayId !== "local");
        return (
            table && {
                routes: routes?.map((route) => ({ cidrBlock: route.DestinationCidrBlock, gatewayId: route.GatewayId })),
                tags: fromTagList(table.Tags),
            }
        );
    },
    async update({ ec2 }, id, olds, news) {
        await setRoutes(ec2, id, news.routes);
        await retag(ec2, id, olds.tags, news.tags);
    },
    delete: async () => {},
};
