import { randomUUID } from "node:crypto";
import type { ResourceType } from "./resource";

/** A random id, by which a stack knows what it has made itself: another stack of the same name has another. */
export class OwnerIdResource implements ResourceType<object, object> {
    changes(): string[] {
        return [];
    }

    async create(): Promise<{ id: string; outputs: object }> {
        return { id: randomUUID(), outputs: {} };
    }

    async update(inputs: object): Promise<object> {
        return inputs;
    }
}
