import { CreateTagsCommand, DeleteTagsCommand, type EC2Client, type ResourceType } from "@aws-sdk/client-ec2";
import { tagList, tagMap, type Value } from "../values";

const account = "123456789012";

export function arn(region: string, resource: string): string {
    return `arn:aws:ec2:${region}:${account}:${resource}`;
}

export function tagsOf(kind: ResourceType, tags: Value) {
    const Tags = tagList(tags);
    return Tags.length === 0 ? undefined : [{ ResourceType: kind, Tags }];
}

export async function retag(ec2: EC2Client, id: string, olds: Value, news: Value): Promise<void> {
    const removed = Object.keys(tagMap(olds)).filter((key) => !(key in tagMap(news)));
    if (removed.length > 0) {
        await ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: removed.map((Key) => ({ Key })) }));
    }
    if (tagList(news).length > 0) {
        await ec2.send(new CreateTagsCommand({ Resources: [id], Tags: tagList(news) }));
    }
}
