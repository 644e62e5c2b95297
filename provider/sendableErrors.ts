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

/**
 * Bytes of an error at most, percent-encoded. It is sent in a header: of those Node sends 64 kB in all, and drops an answer
 * with more.
 */
const mostBytes = 30_000;

/** An error's text as gRPC can send it: it is percent-encoded, which halves of characters cannot be. */
function sendable(text: string): string {
    const whole = text.toWellFormed();
    if (bytesOf(whole) <= mostBytes) {
        return whole;
    }
    const characters = [...whole];
    const head = countWithin(characters, mostBytes / 2);
    const tail = countWithin(characters.toReversed(), mostBytes / 2);
    const leftOut = `... (${characters.length - head - tail} characters of this message are left out) ...`;
    return [characters.slice(0, head).join(""), leftOut, characters.slice(-tail).join("")].join("\n");
}

/** How many of the first characters are within a number of bytes. */
function countWithin(characters: readonly string[], bytes: number): number {
    let left = bytes;
    const end = characters.findIndex((character) => {
        left -= bytesOf(character);
        return left < 0;
    });
    return end === -1 ? characters.length : end;
}

function bytesOf(text: string): number {
    return encodeURI(text).length;
}
