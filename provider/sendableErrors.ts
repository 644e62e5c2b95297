/**
 * The provider with errors that can be sent: gRPC throws away an answer that it cannot send, and the engine waits for it for
 * ever.
 */
export function withSendableErrors<Provider extends object>(provider: Provider): Provider {
    return new Proxy(provider, {
        get(target, name) {
            const member: unknown = Reflect.get(target, name);
            return typeof member !== "function"
                ? member
                : async (...words: unknown[]) => {
                      try {
                          return await member.apply(target, words);
                      } catch (error) {
                          throw new Error(sendable(error instanceof Error ? error.message : String(error)));
                      }
                  };
        },
    });
}

/** An error's text as gRPC can send it: it is percent-encoded, which halves of characters cannot be. */
function sendable(text: string): string {
    return text.toWellFormed();
}
