/** The provider as the engine starts it, with a resource and a function that fail with the text that they are told in JSON. */
import type { Engine } from "./process/engine";
import { differences, type ResourceType, type Work } from "./resource";
import { serve } from "./serve";

interface Failing {
    text: string;
}

const fail = ({ text }: { text?: string }): never => {
    throw new Error(JSON.parse(`${text}`));
};
const failing: ResourceType<Failing, Failing> = {
    changes: (olds, news) => (news.text ? fail(news) : differences(olds, news, ["text"])),
    check: async (inputs: Failing, _work: Work) => fail(inputs),
    create: async (inputs) => fail(inputs),
    update: async (inputs) => fail(inputs),
    read: async (outputs) => fail(outputs),
    delete: async (outputs) => fail(outputs),
};
void serve({ Failing: failing }, { fail }, { log: () => undefined } as unknown as Engine);
